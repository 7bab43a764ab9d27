"""Which inputs an output reads: size, jump and start of its receptive field, its gaps, and the inputs nobody reads."""

from convmatrix.analysis.receptive_field.answer import ReceptiveField
from convmatrix.analysis.receptive_field.verdict import receptive_field

__all__ = ["ReceptiveField", "receptive_field"]
