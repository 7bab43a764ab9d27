"""Reads of one axis counted in closed form, against its table; and where no table could be made."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from convmatrix.analysis.cost import lattice
from convmatrix.errors import ConvMatrixError
from convmatrix.geometry import PADDING_MODES, Axis


def _axes(mode: str) -> list[Axis]:
    """Small axes of one mode; also some of fewer outputs than the size rule gives, and some that cut inputs away."""
    found = []
    for i, k, s, d, before, after in product((1, 2, 5, 6), (1, 2, 4), (1, 2, 3, 4), (1, 2, 3), (-1, 0, 2, 4), (0, 3)):
        most = (i + before + after - d * (k - 1) - 1) // s + 1
        if mode == "reflect" and max(before, after) >= i:
            continue
        found += [Axis(i, k, outputs, s, d, before, after, mode) for outputs in {most, most - 1} if outputs > 0]
    return found


@pytest.mark.parametrize("mode", PADDING_MODES)
def test_counts_are_those_of_the_table(mode):
    for axis in _axes(mode):
        reads = axis.reads()
        real = reads >= 0
        assert lattice.real_reads(axis) == real.sum(), axis
        assert lattice.reached_outputs(axis) == real.any(axis=1).sum(), axis
        assert lattice.read_inputs(axis) == np.unique(reads[real]).size, axis
        spread = axis.positions(np.arange(axis.output_size)) if mode == "zeros" else reads
        assert lattice.spread_positions(axis) == np.unique(spread).size, axis


def test_zeros_leave_what_the_geometry_stores():
    assert all(lattice.real_reads(axis) == axis.nnz for axis in _axes("zeros"))


@pytest.mark.parametrize("scale", [10**6, 10**18, 10**40], ids="{:.0e}".format)
def test_long_axes_of_long_kernels(scale):
    """All taps on all inputs, without and with half of it in the padding: sums of 1, 2, 3, ..."""
    assert lattice.pairs_between(scale, scale, 1, 1, 0, 2 * scale) == scale * scale
    assert lattice.pairs_between(scale, scale, 1, 1, 0, scale) == scale * (scale + 1) // 2
    assert lattice.pairs_between(scale, scale, 2, 2, 0, 2 * scale) == scale * (scale + 1) // 2
    axis = Axis(2 * scale - 1, scale, scale)
    assert (lattice.real_reads(axis), lattice.read_inputs(axis)) == (scale * scale, 2 * scale - 1)


def test_borders_that_no_memory_holds():
    axis = Axis(10, 4, 10**12, 4, 1, 4 * 10**12, 0, "circular")
    with pytest.raises(ConvMatrixError, match="the borders of an axis of 1000000000000 outputs would take"):
        lattice.read_inputs(axis)
