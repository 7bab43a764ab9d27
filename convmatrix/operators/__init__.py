"""Linear operators on tensors: one file a family, `base` for what they share, `algebra` for what is made of them."""

from convmatrix.operators.base import TensorOperator
from convmatrix.operators.channels import channel_shuffle, identity, pixel_shuffle
from convmatrix.operators.convolution import conv, conv_transpose
from convmatrix.operators.resampling import avg_pool, resize

__all__ = [
    "TensorOperator",
    "avg_pool",
    "channel_shuffle",
    "conv",
    "conv_transpose",
    "identity",
    "pixel_shuffle",
    "resize",
]
