"""How the filters of adjacent layers go together: the correlation of what they respond."""

from __future__ import annotations

from convmatrix.analysis.correlation.answer import FilterCorrelation
from convmatrix.analysis.correlation.verdict import filter_correlation

__all__ = ["FilterCorrelation", "filter_correlation"]
