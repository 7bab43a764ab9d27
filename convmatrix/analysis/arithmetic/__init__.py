"""Convolution arithmetic: the fifteen relationships between sizes, and which padding gives a size."""

from convmatrix.analysis.arithmetic.answer import AxisSolution, SizeSolutions
from convmatrix.analysis.arithmetic.relationships import LETTERS, Relationship
from convmatrix.analysis.arithmetic.solving import solve_size
from convmatrix.analysis.arithmetic.table import RELATIONSHIPS

__all__ = ["LETTERS", "RELATIONSHIPS", "AxisSolution", "Relationship", "SizeSolutions", "solve_size"]
