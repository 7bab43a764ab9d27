"""Is a filter an outer product of vectors, one an axis? Its multilinear rank, and the nearest such product."""

from convmatrix.analysis.flattening.answer import Flattening
from convmatrix.analysis.flattening.batch import FlatteningBatch
from convmatrix.analysis.flattening.verdict import flatten

__all__ = ["Flattening", "FlatteningBatch", "flatten"]
