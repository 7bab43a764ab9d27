"""What is this matrix like? `inspect` and the verifications it is made of."""

from convmatrix.analysis.inspection.report import Inspection, inspect

__all__ = ["Inspection", "inspect"]
