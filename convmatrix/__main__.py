"""`python -m convmatrix`, the same as the command `convmatrix`."""

from __future__ import annotations

import sys

from convmatrix.cli import main

if __name__ == "__main__":
    sys.exit(main())
