"""Kernels by name, by text and by file. `kernel` reads all three; the rest describes the names.

A new fixed kernel is a row of `tables.py`; a new family is a decorated function in `rational.py` or `sampled.py`.
"""

from __future__ import annotations

from convmatrix.kernels import rational, sampled, tables  # noqa: F401  (importing them enters their kernels)
from convmatrix.kernels.reader import kernel
from convmatrix.kernels.registry import KernelInfo, KernelParameter, kernel_info, kernel_names

__all__ = ["KernelInfo", "KernelParameter", "kernel", "kernel_info", "kernel_names"]
