"""The outputs of an axis that no border reaches, all of them, from the first layer to the last."""

from __future__ import annotations

from collections.abc import Sequence

from convmatrix.analysis.receptive_field.reading import AxisReader, border_of
from convmatrix.analysis.receptive_field.runs import Runs
from convmatrix.analysis.receptive_field.walking import Fork, Step
from convmatrix.operators.algebra import Transposed
from convmatrix.operators.convolution import Convolution
from convmatrix.operators.resampling import AvgPool


def free_along(steps: Sequence[Step], axis: int, out_size: int) -> Runs:
    """The outputs of an axis that read, layer by layer, what they would read of an endless input.

    No tap of theirs, nor of what they read, falls into padding of any kind or beyond an end; of the branches of a sum
    none does. An output that reads nothing is free.

    Examples
    --------
    >>> import convmatrix as cm
    >>> from convmatrix.analysis.receptive_field.walking import tree_of
    >>> causal = tree_of([cm.conv("1 1", 9, dilation=d, padding=[(d, 0)]) for d in (1, 2)])
    >>> free_along(causal, 0, 9).points()
    array([3, 4, 5, 6, 7, 8])
    """
    return _touched(steps, axis, Runs.between(0, 0)).complement(0, out_size)


def _touched(steps: Sequence[Step], axis: int, inputs: Runs) -> Runs:
    """The outputs that a border reaches, where it has reached some inputs."""
    for step in steps:
        if isinstance(step, Fork):
            inputs = Runs.union([_touched(branch, axis, inputs) for branch in step.branches])
        else:
            inputs = _touched_by(step.readers[axis], inputs)
    return inputs


def _touched_by(reader: AxisReader, inputs: Runs) -> Runs:
    """The same of one layer: its outputs that read touched inputs, or beyond an end, or others than they should."""
    out_size = reader.leaf.out_shape[1 + reader.axis]
    low, high = reader.reach(out_size)
    outside = [Runs.between(low, min(high, 0)), Runs.between(max(low, reader.in_size), high)]
    read = reader.readers_of(Runs.union([inputs, *outside])).clip(0, out_size)
    return Runs.union([read, _altered(reader)])


def _altered(reader: AxisReader) -> Runs:
    """The outputs that a border makes read more inputs: those of a transpose of which its layer's border is made.

    A clamped resize reads less, of an input that is not there.
    """
    layer = reader.leaf.of if isinstance(reader.leaf, Transposed) else reader.leaf
    if layer is reader.leaf or not isinstance(layer, (Convolution, AvgPool)):
        return Runs.between(0, 0)
    geometry = layer.geometry.axes[reader.axis]
    if geometry.padding_mode == "zeros":
        return Runs.between(0, 0)
    # A row that reads the border hands back to what the border is made of.
    beside = border_of(geometry)
    written = reader.readers_of(Runs.between(0, geometry.output_size))
    return Runs.of_points(geometry.source(beside[written.has(beside)]))
