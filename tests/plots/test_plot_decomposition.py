"""Pictures of `decompose`'s answers, by what they say."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib import pyplot

import convmatrix as cm


def _layer(*, exact=True, groups=1):
    """A layer of which every filter is an outer product."""
    weight = np.einsum("oi,h,w->oihw", np.arange(1, 7).reshape(3, 2) % 4, [1, 2, 1], [1, 0, -1])
    return cm.conv(weight if exact else weight / 7, (6, 6), padding=1)


def _panels(figure):
    return {ax.get_label(): ax for ax in figure.axes}


def _rows(figure):
    ax = _panels(figure)["multiplications"]
    return [label.get_text() for label in ax.get_yticklabels()], [bar.get_width() for bar in ax.patches]


@pytest.mark.parametrize("exact", [True, False], ids=["integers", "floats"])
def test_every_structure_has_a_bar_and_a_mark(exact, tmp_path):
    result = cm.decompose(_layer(exact=exact))
    figure = cm.plot(result)
    names, counts = _rows(figure)
    assert len(names) == len(result.structures) + 1
    assert names[-1] == "the layer itself"
    assert counts[:-1] == sorted(structure.multiplications[1] for structure in result.structures)
    assert counts[-1] == result.structures[0].multiplications[0]
    assert [name for name in names if name.endswith("\u2605")] == [name for name in names if result.best.name in name][
        :1
    ]
    kind = "exact" if exact else "within tol"
    marks = {line.get_label(): line for line in _panels(figure)["errors"].lines}
    assert len(marks[kind].get_ydata()) == len(result.structures)
    assert figure.texts[0].get_text().startswith(f"Best: {result.best.name}")
    figure.savefig(tmp_path / "picture.png")


def test_exact_structures_stand_at_zero():
    errors = _panels(cm.plot(cm.decompose(_layer())))["errors"]
    (marks,) = [line for line in errors.lines if line.get_label() == "exact"]
    assert set(marks.get_xdata()) == {0}
    assert {text.get_text() for text in errors.texts} == {"exact"}


def test_approximations_are_hollow_and_hatched(rng):
    result = cm.decompose(cm.conv(rng.normal(size=(4, 3, 3, 3)), (6, 6)), rank=1)
    figure = cm.plot(result)
    assert figure.texts[0].get_text() == "No structure holds; approximations of rank 1"
    bars = _panels(figure)["multiplications"].patches
    assert all(bar.get_hatch() for bar in bars[:-1])
    (marks,) = [line for line in _panels(figure)["errors"].lines if line.get_label() == "approximation"]
    assert marks.get_markerfacecolor() == "white"
    assert all(text.get_text().endswith(" %") for text in _panels(figure)["errors"].texts)


def test_a_layer_without_structure(rng):
    figure = cm.plot(cm.decompose(cm.conv(rng.normal(size=(4, 3, 3, 3)), (6, 6))))
    assert list(_panels(figure)) == ["multiplications"]
    assert figure.texts[0].get_text() == "No structure holds"


def test_given_axes_say_the_errors_in_words():
    _, ax = pyplot.subplots()
    assert cm.plot(cm.decompose(_layer()), ax=ax, alpha=0.5) is ax
    assert ax.get_title().startswith("Best: ")
    assert all("exact" in text.get_text() for text in ax.texts[:-1])
    assert ax.patches[0].get_alpha() == 0.5
