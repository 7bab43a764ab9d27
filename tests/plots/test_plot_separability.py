"""Pictures of `separate`'s answers, by what they say."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.axes import Axes

import convmatrix as cm
from convmatrix.plots import separability as drawing

SOBEL = "-1 0 1; -2 0 2; -1 0 1"
LAPLACIAN = "0 1 0; 1 -4 1; 0 1 0"


def _panels(figure):
    return {ax.get_label(): ax for ax in figure.axes}


def _texts(ax):
    return [text.get_text() for text in ax.texts]


def _title(figure):
    return " ".join(figure.texts[0].get_text().split())


def _is_whole(figure):
    """Whether everything written lies inside the picture."""
    figure.canvas.draw()
    width, height = figure.canvas.get_width_height()
    texts = [text for ax in figure.axes for text in (*ax.texts, ax.title, ax.xaxis.label, ax.yaxis.label)]
    boxes = [text.get_window_extent() for text in (*texts, *figure.texts) if text.get_text()]
    return all(box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height for box in boxes)


VERDICTS = [
    (SOBEL, "Rank 1: separable (proved)"),
    ("0 0; 0 0", "Rank 0: separable (proved, the zero kernel)"),
    (LAPLACIAN, "Rank 2: not separable (proved by the minor K[0,0] K[1,1] - K[0,1] K[1,0] = -1)"),
    ("a b; c d", "Generic rank 2: separable iff a*d - b*c = 0"),
    ("a 2*a; b 2*b", "Generic rank 1: separable whatever the symbols (proved)"),
    ("1 2 a; 3 4 b; 0 0 1", "Generic rank 3: never separable (proved by the minor"),
    ([[0.5, 1.0], [1.0, 2.0]], "Numerical rank 1 at tol 4.4e-16: separable"),
    ([[0.5, 1.0], [1.0, 2.5]], "Numerical rank 2 at tol 4.4e-16: not separable"),
    ("1e99 1; 1 1", "not separable (proved by the minor in rows (0, 1) and columns (0, 1), which is not 0)"),
]


@pytest.mark.parametrize(("kernel", "verdict"), VERDICTS, ids=[str(kernel) for kernel, _ in VERDICTS])
def test_the_title_is_the_verdict(kernel, verdict):
    figure = cm.plot(cm.separate(kernel))
    assert verdict in _title(figure)
    assert _is_whole(figure)


def test_terms_multiply_to_what_is_drawn():
    panels = _panels(cm.plot(cm.separate("gaussian3")))
    assert _texts(panels["column 1"]) == ["1", "2", "1", "= 1/16 \u00b7"]
    assert _texts(panels["row 1"]) == ["1", "2", "1"]
    assert _texts(panels["term 1"]) == ["1/16", "1/8", "1/16", "1/8", "1/4", "1/8", "1/16", "1/8", "1/16"]
    assert _texts(panels["term 1"]) == _texts(panels["kernel"]) == _texts(panels["rank 1"])
    assert panels["rank 1"].get_xlabel() == "error 0"


def test_the_nearest_kernels_carry_their_errors():
    panels = _panels(cm.plot(cm.separate(LAPLACIAN)))
    assert panels["rank 1"].get_xlabel() == "error 0.449 (Frobenius),\n10.1 % of the kernel's norm"
    assert panels["rank 2"].get_xlabel() == "error 0"
    assert panels["rank 1"].get_title() == "nearest of rank 1"
    assert _texts(panels["column 2"])[-1] == "+"


def test_kernel_products_and_nearest_share_one_scale():
    result = cm.separate([[1.0, 2.0], [3.0, -4.0]])
    panels = _panels(cm.plot(result))
    largest = max(4, np.abs(result.approximate(1)).max())
    for label, kernel in (("kernel", result.kernel), ("rank 1", result.approximate(1)), ("rank 2", result.kernel)):
        np.testing.assert_allclose(panels[label].images[0].get_array(), kernel / largest, atol=1e-12)
    for label in ("kernel", "term 1", "term 2", "rank 1"):
        norm = panels[label].images[0].norm
        assert (norm.vmin, norm.vmax) == (-1, 1)


def test_singular_values_are_stems_with_the_rank_marked():
    ax = _panels(cm.plot(cm.separate(LAPLACIAN)))["singular values"]
    assert ax.get_yscale() == "linear"
    assert ax.get_xlabel() == "2 of 3 not 0"
    counted, rest = (
        next(line for line in ax.lines if line.get_label() == label) for label in ("counted", "not counted")
    )
    assert list(counted.get_xdata()) == [1, 2]
    assert list(rest.get_ydata()) == [0]
    assert rest.get_markerfacecolor() == "white"


@pytest.mark.parametrize("scale", [1, 1e-300, 1e300], ids="{:g}".format)
def test_tolerance_is_a_line_where_the_values_are_spread(scale):
    kernel = scale * np.outer([0.1, 0.3, 0.7], [0.1, 0.7, 0.3])
    figure = cm.plot(cm.separate(kernel))
    ax = _panels(figure)["singular values"]
    assert ax.get_yscale() == "log"
    assert ax.get_xlabel() == "1 of 3 above tol 6.7e-16"
    assert "tol" in _texts(ax)
    assert _is_whole(figure)


def test_floats_of_one_magnitude_need_no_logarithm(rng):
    ax = _panels(cm.plot(cm.separate(rng.normal(size=(2, 2)))))["singular values"]
    assert ax.get_yscale() == "linear"


def test_numbers_of_any_size_are_readable():
    panels = _panels(cm.plot(cm.separate(1e-300 * np.array([[1.0, 2.0], [3.0, 5.0]]))))
    assert panels["kernel"].get_title() == "kernel, 2x2 in units of 1e-300"
    assert _texts(panels["kernel"]) == ["1.00", "2.00", "3.00", "5.00"]


@pytest.mark.parametrize("power", [400, -400])
def test_numbers_no_float_holds(power):
    figure = cm.plot(cm.separate(f"1e{power} 0; 0 3e{power}"))
    panels = _panels(figure)
    assert panels["kernel"].get_title() == f"kernel, 2x2 in units of 1e{power}"
    assert _texts(panels["kernel"]) == ["1.00", "0", "0", "3.00"]
    assert _is_whole(figure)


def test_integers_that_python_does_not_write():
    huge = np.array([[10**5000, 1], [1, 1]], dtype=object)
    figure = cm.plot(cm.separate(huge))
    assert "in rows (0, 1) and columns (0, 1)" in _title(figure)
    assert _panels(figure)["kernel"].get_title() == "kernel, 2x2 in units of 1e5000"


def test_symbols_are_written_and_not_coloured():
    panels = _panels(cm.plot(cm.separate("a b; c d")))
    assert _texts(panels["kernel"]) == ["a", "b", "c", "d"]
    assert not panels["kernel"].images[0].get_array().any()
    assert "singular values" not in panels
    assert cm.plot(cm.separate("a b; c d")).texts[1].get_text() == "solved by d = b*c/a"


def test_roots_stay_roots():
    panels = _panels(cm.plot(cm.separate("sobel_x")))
    assert "$2 \\sqrt{3}$" in _texts(panels["singular values"])


def test_long_sums_are_cut():
    figure = cm.plot(cm.separate(np.diag(np.arange(1, 8))))
    panels = _panels(figure)
    assert f"term {drawing.TERMS}" in panels
    assert f"term {drawing.TERMS + 1}" not in panels
    assert any("+ 4 more" in text for text in _texts(panels[f"term {drawing.TERMS}"]))
    assert _is_whole(figure)


@pytest.mark.parametrize("shape", [(65, 65), (2, 40), (25, 3)], ids=str)
def test_large_kernels_have_a_colour_bar_instead_of_numbers(shape, rng):
    figure = cm.plot(cm.separate(rng.normal(size=shape)))
    panels = _panels(figure)
    assert not _texts(panels["kernel"])
    assert sum(len(ax.child_axes) for ax in figure.axes) == 1
    assert figure.texts[1].get_text() == "Each strip is coloured by its own largest entry."
    assert _is_whole(figure)


@pytest.mark.parametrize("kernel", [[[3]], [[1j, 2], [2, -4j]], "a", np.float32([[1, 2], [3, 4]])], ids=str)
def test_unusual_kernels(kernel):
    if isinstance(kernel, str):
        kernel = cm.kernel("a 1; 1 1")[:1, :1]
    assert _is_whole(cm.plot(cm.separate(kernel)))


def test_given_axes_get_the_kernel_and_the_verdict():
    _, ax = pyplot.subplots()
    assert cm.plot(cm.separate(SOBEL), ax=ax, cmap="PuOr") is ax
    assert ax.get_title() == "rank 1: separable (proved)"
    assert ax.images[0].get_cmap().name == "PuOr"


def test_arguments_go_to_every_panel():
    panels = _panels(cm.plot(cm.separate(LAPLACIAN), cmap="PuOr"))
    for label in ("kernel", "column 1", "row 1", "term 1", "rank 1"):
        assert panels[label].images[0].get_cmap().name == "PuOr"


def test_unknown_arguments():
    with pytest.raises(cm.ConvMatrixError, match=r"colour must be an option of the drawing .* got 'red'"):
        cm.plot(cm.separate(SOBEL), colour="red")
    assert not pyplot.get_fignums()


BATCHES = [
    (np.array([[[1, 2], [2, 4]], [[1, 0], [0, 1]], [[0, 0], [0, 0]]]), "2 of 3 kernels are separable (exact rank)"),
    (np.ones((4, 5, 3, 3)), "20 of 20 kernels are separable (numerical rank at tol 6.7e-16)"),
]


@pytest.mark.parametrize(("kernels", "verdict"), BATCHES, ids=[str(kernels.shape) for kernels, _ in BATCHES])
def test_batches_are_counted(kernels, verdict):
    figure = cm.plot(cm.separate(kernels, batch_axes=kernels.ndim - 2))
    assert _title(figure) == verdict
    ranks, errors = figure.axes
    assert sum(bar.get_height() for bar in ranks.patches) == np.prod(kernels.shape[:-2])
    assert errors.get_xlabel() == "error of the nearest of rank one, share of the norm"
    assert _is_whole(figure)


def test_a_batch_in_given_axes():
    _, ax = pyplot.subplots()
    result = cm.separate(np.ones((3, 2, 2)), batch_axes=1)
    assert cm.plot(result, ax=ax, color="black") is ax
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["0", "1", "2"]


def said_by(figure):
    return " ".join(text.get_text() for text in figure.texts)


def test_what_colours_leave_out_is_said():
    # Terms of a 9x9 kernel go far beyond its entries, and have no room for numbers.
    kernel = np.random.default_rng(0).integers(-9, 10, (9, 9))
    assert "have the darkest colours too" in said_by(cm.plot(cm.separate(kernel)))
    assert "darkest" not in said_by(cm.plot(cm.separate("1 1; 1 2")))
    assert "by their magnitudes" in said_by(cm.plot(cm.separate(kernel[:5, :5] * (1 + 2j))))
    assert "magnitudes" not in said_by(cm.plot(cm.separate(kernel[:5, :5] * 0.1)))


def test_a_flat_kernel_s_colour_bar_has_room_for_its_numbers(rng):
    figure = cm.plot(cm.separate(rng.standard_normal((1, 12))))
    bar = next(ax for ax in figure.findobj(Axes) if ax.get_ylim() == (-1, 1) and len(ax.get_yticks()) == 3)
    figure.canvas.draw()
    boxes = sorted((text.get_window_extent() for text in bar.get_yticklabels()), key=lambda box: box.y0)
    assert all(low.y1 <= high.y0 for low, high in itertools.pairwise(boxes))
