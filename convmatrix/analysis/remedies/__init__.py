"""`remedies`: the ways to be free of a checkerboard, each built as an operator and judged by the same prover."""

from convmatrix.analysis.remedies.answer import Remedies, Remedy
from convmatrix.analysis.remedies.averages import icnr
from convmatrix.analysis.remedies.verdict import remedies

__all__ = ["Remedies", "Remedy", "icnr", "remedies"]
