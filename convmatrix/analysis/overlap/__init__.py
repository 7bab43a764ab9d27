"""How many inputs reach each output: overlap maps, and their closed form."""

from convmatrix.analysis.overlap.answer import OverlapMap
from convmatrix.analysis.overlap.formula import overlap_formula, overlap_ratio
from convmatrix.analysis.overlap.verdict import overlap

__all__ = ["OverlapMap", "overlap", "overlap_formula", "overlap_ratio"]
