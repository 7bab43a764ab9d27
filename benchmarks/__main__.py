"""The command line: `python -m benchmarks [--quick] [--json FILE] [NAME ...]`."""

from __future__ import annotations

import os
import sys

# One thread on each side, decided before NumPy and torch start theirs; the builder's two are its own.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

if __name__ == "__main__":
    from benchmarks.run import main

    sys.exit(main())
