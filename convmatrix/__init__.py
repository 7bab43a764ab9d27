"""convmatrix: every convolution of deep learning as one explicit sparse matrix, and its transpose.

>>> import convmatrix as cm
>>> C = cm.conv([[0, 1, 2], [2, 2, 0], [0, 1, 2]], (5, 5))
>>> C.tosparse().shape
(9, 25)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from convmatrix.errors import ConvMatrixError, KernelError, MatrixTooLargeError, SymbolicError
from convmatrix.operators import (
    TensorOperator,
    avg_pool,
    channel_shuffle,
    conv,
    conv_transpose,
    identity,
    pixel_shuffle,
    resize,
)

if TYPE_CHECKING:
    from convmatrix.analysis.inspection import Inspection, inspect
    from convmatrix.analysis.recognition import Recognition, recognise
    from convmatrix.kernels import kernel, kernel_names
    from convmatrix.models.pytorch import from_torch
    from convmatrix.plots import plot

__version__ = "0.1.0"

__all__ = [
    "ConvMatrixError",
    "Inspection",
    "KernelError",
    "MatrixTooLargeError",
    "Recognition",
    "SymbolicError",
    "TensorOperator",
    "avg_pool",
    "channel_shuffle",
    "conv",
    "conv_transpose",
    "from_torch",
    "identity",
    "inspect",
    "kernel",
    "kernel_names",
    "pixel_shuffle",
    "plot",
    "recognise",
    "resize",
]

# Loaded when first used: `import convmatrix` costs no more than NumPy and SciPy.
_LAZY = {
    "Inspection": "convmatrix.analysis.inspection",
    "Recognition": "convmatrix.analysis.recognition",
    "from_torch": "convmatrix.models.pytorch",
    "inspect": "convmatrix.analysis.inspection",
    "kernel": "convmatrix.kernels",
    "kernel_names": "convmatrix.kernels",
    "plot": "convmatrix.plots",
    "recognise": "convmatrix.analysis.recognition",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'convmatrix' has no attribute {name!r}")
    value = getattr(import_module(_LAZY[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
