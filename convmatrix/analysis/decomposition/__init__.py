"""Which structure the weight of a layer has: groups, few channels in the middle, axes one after the other."""

from __future__ import annotations

from convmatrix.analysis.decomposition.answer import Decomposition, Structure
from convmatrix.analysis.decomposition.search import decompose

__all__ = ["Decomposition", "Structure", "decompose"]
