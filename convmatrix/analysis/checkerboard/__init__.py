"""`checkerboard`: does an operator turn constants into constants, why not, and which weight near by would."""

from convmatrix.analysis.checkerboard.answer import CheckerboardReport
from convmatrix.analysis.checkerboard.verdict import checkerboard

__all__ = ["CheckerboardReport", "checkerboard"]
