"""Is it separable? The rank of a kernel, with proof, its separable terms and its singular values."""

from __future__ import annotations

from convmatrix.analysis.separability.answer import Separability
from convmatrix.analysis.separability.batch import SeparabilityBatch
from convmatrix.analysis.separability.certificate import Certificate
from convmatrix.analysis.separability.verdict import separate

__all__ = ["Certificate", "Separability", "SeparabilityBatch", "separate"]
