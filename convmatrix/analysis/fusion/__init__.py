"""Several convolutions as one: `fuse` and what it found."""

from convmatrix.analysis.fusion.answer import Fusion, fuse

__all__ = ["Fusion", "fuse"]
