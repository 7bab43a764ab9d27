"""The check of the pictures kept: sizes and pixels."""

from io import BytesIO

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot

figures = pytest.importorskip("figures.__main__")


def _png(pixels):
    buffer = BytesIO()
    pyplot.imsave(buffer, pixels, format="png")
    return buffer.getvalue()


WHITE = np.ones((20, 30, 3))


@pytest.mark.parametrize(
    ("kept", "drawn", "apart"),
    [
        (WHITE, WHITE, 0),
        (WHITE, 0 * WHITE, 1),
        (WHITE, np.zeros((20, 30, 4)), 0),
        (WHITE, np.where(np.arange(30)[:, None] < 3, 0, WHITE), 0.1),
        (WHITE, WHITE[:-1], np.inf),
    ],
    ids=["the same", "black", "transparent", "a tenth black", "another size"],
)
def test_difference(kept, drawn, apart):
    assert figures.difference(_png(kept), _png(drawn)) == pytest.approx(apart, abs=1e-6)


@pytest.mark.parametrize(("drawn", "same"), [(WHITE, True), (0.99 * WHITE, True), (0.9 * WHITE, False)])
def test_check_tells_pictures_apart(drawn, same, tmp_path, monkeypatch, capsys):
    (tmp_path / "one.png").write_bytes(_png(WHITE))
    monkeypatch.setattr(figures, "HERE", tmp_path)
    monkeypatch.setattr(figures, "picture", lambda name: _png(drawn))
    assert figures.check("one") is same
    assert ("not the picture kept" not in capsys.readouterr().out) is same


def test_check_names_a_missing_picture(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(figures, "HERE", tmp_path)
    monkeypatch.setattr(figures, "picture", lambda name: _png(WHITE))
    assert not figures.check("one")
    assert "one: the picture kept is missing" in capsys.readouterr().out


def test_both_matrices_of_the_article_have_cells_of_one_size():
    with matplotlib.rc_context():
        figure = figures.import_module("figures.article_matrix").draw()
    sizes = [ax.get_window_extent().size / ax.images[0].get_array().shape[::-1] for ax in figure.axes]
    assert np.allclose(sizes, sizes[0][0])
