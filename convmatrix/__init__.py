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
    from convmatrix.analysis.checkerboard import CheckerboardReport, checkerboard
    from convmatrix.analysis.decomposition import Decomposition, decompose
    from convmatrix.analysis.flattening import Flattening, FlatteningBatch, flatten
    from convmatrix.analysis.fusion import Fusion, fuse
    from convmatrix.analysis.inspection import Inspection, inspect
    from convmatrix.analysis.overlap import OverlapMap, overlap
    from convmatrix.analysis.recognition import Recognition, recognise
    from convmatrix.analysis.remedies import Remedies, icnr, remedies
    from convmatrix.analysis.separability import Separability, SeparabilityBatch, separate
    from convmatrix.kernels import kernel, kernel_names
    from convmatrix.models.pytorch import from_torch
    from convmatrix.plots import plot

__version__ = "0.1.0"

__all__ = [
    "CheckerboardReport",
    "ConvMatrixError",
    "Decomposition",
    "Flattening",
    "FlatteningBatch",
    "Fusion",
    "Inspection",
    "KernelError",
    "MatrixTooLargeError",
    "OverlapMap",
    "Recognition",
    "Remedies",
    "Separability",
    "SeparabilityBatch",
    "SymbolicError",
    "TensorOperator",
    "avg_pool",
    "channel_shuffle",
    "checkerboard",
    "conv",
    "conv_transpose",
    "decompose",
    "flatten",
    "from_torch",
    "fuse",
    "icnr",
    "identity",
    "inspect",
    "kernel",
    "kernel_names",
    "overlap",
    "pixel_shuffle",
    "plot",
    "recognise",
    "remedies",
    "resize",
    "separate",
]

# Loaded when first used: `import convmatrix` costs no more than NumPy and SciPy.
_LAZY = {
    "CheckerboardReport": "convmatrix.analysis.checkerboard",
    "Decomposition": "convmatrix.analysis.decomposition",
    "Flattening": "convmatrix.analysis.flattening",
    "FlatteningBatch": "convmatrix.analysis.flattening",
    "Fusion": "convmatrix.analysis.fusion",
    "Inspection": "convmatrix.analysis.inspection",
    "OverlapMap": "convmatrix.analysis.overlap",
    "Recognition": "convmatrix.analysis.recognition",
    "Remedies": "convmatrix.analysis.remedies",
    "Separability": "convmatrix.analysis.separability",
    "SeparabilityBatch": "convmatrix.analysis.separability",
    "checkerboard": "convmatrix.analysis.checkerboard",
    "decompose": "convmatrix.analysis.decomposition",
    "flatten": "convmatrix.analysis.flattening",
    "from_torch": "convmatrix.models.pytorch",
    "fuse": "convmatrix.analysis.fusion",
    "icnr": "convmatrix.analysis.remedies",
    "inspect": "convmatrix.analysis.inspection",
    "kernel": "convmatrix.kernels",
    "kernel_names": "convmatrix.kernels",
    "overlap": "convmatrix.analysis.overlap",
    "plot": "convmatrix.plots",
    "recognise": "convmatrix.analysis.recognition",
    "remedies": "convmatrix.analysis.remedies",
    "separate": "convmatrix.analysis.separability",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'convmatrix' has no attribute {name!r}")
    value = getattr(import_module(_LAZY[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
