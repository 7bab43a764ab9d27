"""Ranks of layers and their parts, exact and numerical, and null spaces."""

from convmatrix.analysis.ranks.answer import RankProfile, rank_profile
from convmatrix.analysis.ranks.nulls import null_space
from convmatrix.analysis.ranks.nullspace import NullSpace

__all__ = ["NullSpace", "RankProfile", "null_space", "rank_profile"]
