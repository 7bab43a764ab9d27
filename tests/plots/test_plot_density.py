"""Density pictures: counts equal those of the matrix, and the matrix is never made where it is large."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import pyplot

import convmatrix as cm
from convmatrix.plots import density as density_module
from convmatrix.plots.density import density


def _binned(op, tall, wide):
    """The same counts from the pattern written out."""
    stored = (op._structure().toarray() > 0).astype(int)
    rows = np.add.reduceat(stored, np.arange(0, stored.shape[0], tall), axis=0)
    return np.add.reduceat(rows, np.arange(0, stored.shape[1], wide), axis=1)


@st.composite
def layers(draw):
    axes = draw(st.integers(0, 3))
    size = tuple(draw(st.integers(3, 6)) for _ in range(axes))
    kernel = tuple(draw(st.integers(1, 3)) for _ in range(axes))
    groups = draw(st.integers(1, 3))
    weight = np.ones((groups * draw(st.integers(1, 3)), draw(st.integers(1, 3)), *kernel))
    modes = ("zeros", "circular", "reflect", "replicate", "symmetric")
    return cm.conv(
        weight,
        size,
        stride=draw(st.integers(1, 2)),
        padding=draw(st.integers(0, 2)),
        groups=groups,
        padding_mode=draw(st.sampled_from(modes)),
    )


@given(op=layers(), bins=st.integers(1, 40), transpose=st.booleans())
def test_counts_equal_those_of_the_matrix(op, bins, transpose):
    op = op.T if transpose else op
    counts, (tall, wide) = density(op, bins)
    assert np.array_equal(counts, _binned(op, tall, wide))
    assert counts.sum() == op.nnz


@pytest.mark.parametrize(
    "build",
    [
        lambda: cm.conv([1, 2, 1], 20) @ cm.conv([1, 1], 21),
        lambda: cm.conv([1, 2, 1], 20, padding=1) + cm.identity((1, 20)),
        lambda: cm.pixel_shuffle((8, 5, 5), 2),
        lambda: cm.resize((2, 9), 2, "linear"),
        lambda: 2 * (cm.conv("a b", 20) @ cm.conv("c d", 21)),
        lambda: cm.avg_pool((3, 8, 8), 2).T,
        lambda: cm.conv([1, 2, 1], 40, stride=3, dilation=2),
    ],
    ids=["product", "sum", "pixel shuffle", "resize", "symbols", "pooling", "dilated"],
)
@pytest.mark.parametrize("bins", [4, 7, 1000])
def test_other_operators_are_counted_from_their_pattern(build, bins):
    op = build()
    counts, (tall, wide) = density(op, bins)
    assert np.array_equal(counts, _binned(op, tall, wide))


def test_parts_of_a_large_axis_add_up(monkeypatch):
    op = cm.conv(np.ones((2, 2, 3, 3)), (9, 9), padding=1)
    whole, _ = density(op, 40)
    monkeypatch.setattr(density_module, "_AT_ONCE", 30)
    assert np.array_equal(density(op, 40)[0], whole)
    product = op @ op
    assert np.array_equal(density(product, 40)[0], _binned(product, *density(product, 40)[1]))


@pytest.mark.parametrize(
    ("build", "shape"),
    [
        (lambda: cm.conv(np.ones((64, 64, 3, 3)), (56, 56), padding=1), (200_704, 200_704)),
        (lambda: cm.conv(np.ones((3, 3)), (447, 447), padding=1), (199_809, 199_809)),
        (lambda: cm.conv(np.ones(3), 1_000_000), (999_998, 1_000_000)),
        (lambda: cm.conv(np.ones((512, 1, 3, 3)), (14, 14), padding=1, groups=512), (100_352, 100_352)),
    ],
    ids=lambda value: " x ".join(map(str, value)) if isinstance(value, tuple) else "",
)
def test_large_layers_are_drawn_without_their_matrix(build, shape, monkeypatch):
    op = build()
    for name in ("_csr", "_structure"):
        monkeypatch.setattr(type(op), name, lambda *_: pytest.fail("the matrix must not be made"))
    figure = cm.plot(op)
    assert op.shape == shape
    (ax,) = figure.axes[:1]
    counts, (tall, wide) = density(op)
    assert counts.sum() == op.nnz
    assert max(counts.shape) <= 600
    assert f"{shape[0]:,} x {shape[1]:,} matrix" in ax.get_title()
    assert "(density of its entries)" in ax.get_title()
    assert ax.child_axes[0].get_ylabel() == f"share of entries stored per pixel\n({tall:,} x {wide:,} entries)"


def test_the_image_is_the_share_of_entries():
    op = cm.conv(np.ones((4, 3, 3, 3)), (20, 20))
    ax = cm.plot(op).axes[0]
    shares = ax.images[0].get_array()
    counts, (tall, wide) = density(op)
    assert np.allclose(shares.filled(0)[0, 0], counts[0, 0] / (tall * wide))
    assert np.ma.getmaskarray(shares).tolist() == (counts == 0).tolist()
    assert shares.max() <= 1


def test_channels_are_divided_and_named():
    ax = cm.plot(cm.conv(np.ones((4, 3, 3, 3)), (20, 20))).axes[0]
    assert [text.get_text() for text in ax.get_xticklabels()] == ["c0", "c1", "c2"] or len(ax.get_xticklabels()) == 60
    lines = [part.get_segments() for part in ax.collections]
    assert sorted(len(part) for part in lines) == [2, 3]
    assert {float(segment[0][0]) for segment in lines[0]} == {399.5, 799.5}


def test_given_axes_and_a_traced_row():
    _, ax = pyplot.subplots()
    assert cm.plot(cm.conv(np.ones((3, 3)), (40, 40)), ax=ax, trace=700, legend=False) is ax
    assert [frame.get_label() for frame in ax.patches] == ["traced row"]
    assert not ax.child_axes


@pytest.mark.parametrize(
    "build",
    [
        lambda: cm.conv(np.ones(1001), 10**7),
        lambda: cm.conv(np.ones((64, 64, 3, 3)), (56, 56)) @ cm.conv(np.ones((64, 64, 3, 3)), (58, 58)),
    ],
    ids=["one axis", "a product"],
)
def test_what_would_take_too_long_is_refused_at_once(build):
    with pytest.raises(
        cm.ConvMatrixError, match=r"x must have at most 100,000,000 entries to be counted .* got [\d,]+; draw"
    ):
        cm.plot(build())
