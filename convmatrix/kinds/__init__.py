"""The article's kinds of convolution, each one short function over the operators, in a catalogue.

Importing a family's file enters its kinds.
"""

from convmatrix.kinds import grouped, pixelwise, plain, separable, stepping, upsampling  # noqa: F401
from convmatrix.kinds.record import Kind
from convmatrix.kinds.registry import KINDS, Kinds, UnknownKindError

__all__ = ["KINDS", "Kind", "Kinds", "UnknownKindError"]
