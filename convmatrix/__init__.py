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
    from convmatrix.analysis.arithmetic import RELATIONSHIPS, Relationship, SizeSolutions, solve_size
    from convmatrix.analysis.checkerboard import CheckerboardReport, checkerboard
    from convmatrix.analysis.clipping.answer import ClippedSpectrum, clip_spectrum
    from convmatrix.analysis.correlation import FilterCorrelation, filter_correlation
    from convmatrix.analysis.cost import Cost, CostComparison, CostFormula, compare_costs, cost, cost_formula
    from convmatrix.analysis.decomposition import Decomposition, decompose
    from convmatrix.analysis.flattening import Flattening, FlatteningBatch, flatten
    from convmatrix.analysis.fusion import Fusion, fuse
    from convmatrix.analysis.inspection import Inspection, inspect
    from convmatrix.analysis.inverse.answer import Deconvolution, deconvolve
    from convmatrix.analysis.norm.answer import Enclosure, spectral_norm
    from convmatrix.analysis.norm.table import NormBounds, norm_bounds
    from convmatrix.analysis.orthogonality.answer import OrthogonalityDefect, orthogonality_defect
    from convmatrix.analysis.overlap import OverlapMap, overlap
    from convmatrix.analysis.ranks import NullSpace, RankProfile, null_space, rank_profile
    from convmatrix.analysis.receptive_field import ReceptiveField, receptive_field
    from convmatrix.analysis.recognition import Recognition, recognise
    from convmatrix.analysis.remedies import Remedies, icnr, remedies
    from convmatrix.analysis.separability import Separability, SeparabilityBatch, separate
    from convmatrix.analysis.spectrum.answer import SingularValues, singular_values
    from convmatrix.analysis.spectrum.comparison import SpectrumComparison, compare_spectra
    from convmatrix.analysis.spectrum.response import FrequencyResponse, frequency_response
    from convmatrix.kernels import kernel, kernel_names
    from convmatrix.kinds import KINDS, Kind
    from convmatrix.models.pytorch import from_torch
    from convmatrix.plots import animate, plot

__version__ = "0.1.0"

__all__ = [
    "KINDS",
    "RELATIONSHIPS",
    "CheckerboardReport",
    "ClippedSpectrum",
    "ConvMatrixError",
    "Cost",
    "CostComparison",
    "CostFormula",
    "Decomposition",
    "Deconvolution",
    "Enclosure",
    "FilterCorrelation",
    "Flattening",
    "FlatteningBatch",
    "FrequencyResponse",
    "Fusion",
    "Inspection",
    "KernelError",
    "Kind",
    "MatrixTooLargeError",
    "NormBounds",
    "NullSpace",
    "OrthogonalityDefect",
    "OverlapMap",
    "RankProfile",
    "ReceptiveField",
    "Recognition",
    "Relationship",
    "Remedies",
    "Separability",
    "SeparabilityBatch",
    "SingularValues",
    "SizeSolutions",
    "SpectrumComparison",
    "SymbolicError",
    "TensorOperator",
    "animate",
    "avg_pool",
    "channel_shuffle",
    "checkerboard",
    "clip_spectrum",
    "compare_costs",
    "compare_spectra",
    "conv",
    "conv_transpose",
    "cost",
    "cost_formula",
    "decompose",
    "deconvolve",
    "filter_correlation",
    "flatten",
    "frequency_response",
    "from_torch",
    "fuse",
    "icnr",
    "identity",
    "inspect",
    "kernel",
    "kernel_names",
    "norm_bounds",
    "null_space",
    "orthogonality_defect",
    "overlap",
    "pixel_shuffle",
    "plot",
    "rank_profile",
    "receptive_field",
    "recognise",
    "remedies",
    "resize",
    "separate",
    "singular_values",
    "solve_size",
    "spectral_norm",
]

# Loaded when first used: `import convmatrix` costs no more than NumPy and SciPy.
_LAZY = {
    "KINDS": "convmatrix.kinds",
    "RELATIONSHIPS": "convmatrix.analysis.arithmetic",
    "CheckerboardReport": "convmatrix.analysis.checkerboard",
    "ClippedSpectrum": "convmatrix.analysis.clipping.answer",
    "Cost": "convmatrix.analysis.cost",
    "CostComparison": "convmatrix.analysis.cost",
    "CostFormula": "convmatrix.analysis.cost",
    "Decomposition": "convmatrix.analysis.decomposition",
    "Deconvolution": "convmatrix.analysis.inverse.answer",
    "Enclosure": "convmatrix.analysis.norm.answer",
    "FilterCorrelation": "convmatrix.analysis.correlation",
    "Flattening": "convmatrix.analysis.flattening",
    "FlatteningBatch": "convmatrix.analysis.flattening",
    "FrequencyResponse": "convmatrix.analysis.spectrum.response",
    "Fusion": "convmatrix.analysis.fusion",
    "Inspection": "convmatrix.analysis.inspection",
    "Kind": "convmatrix.kinds",
    "NormBounds": "convmatrix.analysis.norm.table",
    "OrthogonalityDefect": "convmatrix.analysis.orthogonality.answer",
    "NullSpace": "convmatrix.analysis.ranks",
    "OverlapMap": "convmatrix.analysis.overlap",
    "RankProfile": "convmatrix.analysis.ranks",
    "ReceptiveField": "convmatrix.analysis.receptive_field",
    "Recognition": "convmatrix.analysis.recognition",
    "Relationship": "convmatrix.analysis.arithmetic",
    "Remedies": "convmatrix.analysis.remedies",
    "Separability": "convmatrix.analysis.separability",
    "SeparabilityBatch": "convmatrix.analysis.separability",
    "SingularValues": "convmatrix.analysis.spectrum.answer",
    "SizeSolutions": "convmatrix.analysis.arithmetic",
    "SpectrumComparison": "convmatrix.analysis.spectrum.comparison",
    "animate": "convmatrix.plots",
    "checkerboard": "convmatrix.analysis.checkerboard",
    "clip_spectrum": "convmatrix.analysis.clipping.answer",
    "compare_costs": "convmatrix.analysis.cost",
    "compare_spectra": "convmatrix.analysis.spectrum.comparison",
    "cost": "convmatrix.analysis.cost",
    "cost_formula": "convmatrix.analysis.cost",
    "decompose": "convmatrix.analysis.decomposition",
    "deconvolve": "convmatrix.analysis.inverse.answer",
    "filter_correlation": "convmatrix.analysis.correlation",
    "flatten": "convmatrix.analysis.flattening",
    "frequency_response": "convmatrix.analysis.spectrum.response",
    "from_torch": "convmatrix.models.pytorch",
    "fuse": "convmatrix.analysis.fusion",
    "icnr": "convmatrix.analysis.remedies",
    "inspect": "convmatrix.analysis.inspection",
    "kernel": "convmatrix.kernels",
    "kernel_names": "convmatrix.kernels",
    "norm_bounds": "convmatrix.analysis.norm.table",
    "orthogonality_defect": "convmatrix.analysis.orthogonality.answer",
    "null_space": "convmatrix.analysis.ranks",
    "overlap": "convmatrix.analysis.overlap",
    "plot": "convmatrix.plots",
    "rank_profile": "convmatrix.analysis.ranks",
    "receptive_field": "convmatrix.analysis.receptive_field",
    "recognise": "convmatrix.analysis.recognition",
    "remedies": "convmatrix.analysis.remedies",
    "separate": "convmatrix.analysis.separability",
    "singular_values": "convmatrix.analysis.spectrum.answer",
    "solve_size": "convmatrix.analysis.arithmetic",
    "spectral_norm": "convmatrix.analysis.norm.answer",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'convmatrix' has no attribute {name!r}")
    value = getattr(import_module(_LAZY[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
