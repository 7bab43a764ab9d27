"""Is this matrix a convolution? `recognise`, and the searches and projections behind it."""

from convmatrix.analysis.recognition.answer import Recognition, recognise

__all__ = ["Recognition", "recognise"]
