"""`python -m convmatrix`, the same as the command `convmatrix`."""

from __future__ import annotations

from convmatrix.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
