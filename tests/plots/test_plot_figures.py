"""The figures: what scripts say of themselves, how their files are made and compared, and an audit of every one."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import figure_audit
import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot
from PIL import Image

import convmatrix as cm

main = pytest.importorskip("figures.__main__")
from figures import SECTIONS, _comparing, _drawing, _gallery, _scripts  # noqa: E402

KNOWN = _scripts.scripts()
WHITE = np.ones((20, 30, 3))


def png(pixels):
    buffer = BytesIO()
    pyplot.imsave(buffer, pixels, format="png")
    return buffer.getvalue()


def gif(*shades):
    buffer = BytesIO()
    first, *others = [Image.new("L", (30, 20), shade) for shade in shades]
    first.save(buffer, format="GIF", save_all=True, append_images=others, duration=100)
    return buffer.getvalue()


def svg(width=10, paths=50):
    return f'<svg viewBox="0 0 {width} 10">{"<path/>" * paths}</svg>'.encode()


# -- scripts ----------------------------------------------------------------------------------------------------------


def module(**changes):
    fields = {"__doc__": "A title.", "CAPTION": "See.", "SECTION": "6.1", "STEP": 2, "draw": pyplot.figure}
    return SimpleNamespace(**{**fields, **changes})


def test_a_script_says_what_it_is():
    script = _scripts.described("one", module())
    assert (script.title, script.caption, script.section, script.step, script.svg) == (
        "A title",
        "See.",
        "6.1",
        2,
        False,
    )
    assert script.to_dict()["section_title"] == "Checkerboards"


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"__doc__": None}, "have a docstring of one line"),
        ({"__doc__": "Two\nlines."}, "have a docstring of one line"),
        ({"CAPTION": " "}, "have a CAPTION"),
        ({"SECTION": "6.2"}, "have a SECTION out of 1, 2, 2.1"),
        ({"SECTION": 6}, "have a SECTION out of 1, 2, 2.1"),
        ({"STEP": "1"}, "have an integer STEP"),
        ({"draw": None}, "have a function draw"),
    ],
    ids=lambda value: "-".join(map(str, value)) if isinstance(value, dict) else value[:12],
)
def test_a_script_without_one_of_these_is_refused(changes, rule):
    with pytest.raises(ValueError, match=f"figure one must {rule}"):
        _scripts.described("one", module(**changes))


def test_scripts_are_in_the_order_of_the_article():
    places = [(list(SECTIONS).index(script.section), script.step, name) for name, script in KNOWN.items()]
    assert places == sorted(places)
    assert {"animation_convolution", "animation_strided", "animation_transposed", "animation_dilated"} <= set(KNOWN)


@pytest.mark.parametrize("path", sorted(_scripts.HERE.rglob("*.py")), ids=lambda path: path.stem)
def test_scripts_import_each_other_relatively(path):
    """An installed package holds them under another name."""
    lines = path.read_text(encoding="utf-8").splitlines()
    assert not [line for line in lines if line.strip().startswith(("from figures", "import figures"))]


def test_gallery_has_sections_in_order_and_links():
    scripts = [
        _scripts.described(name, module(SECTION=section)) for name, section in (("b", "6"), ("a", "6"), ("c", "9"))
    ]
    pictures = {"a": ["a.png", "a.svg"], "b": ["b.gif"], "c": ["c.png"]}
    lines = _gallery.page(scripts, pictures, links=True).splitlines()
    assert [line for line in lines if line.startswith("## ")] == [
        "## 6. Transposed convolution",
        "## 9. Flattened convolution",
    ]
    assert [line for line in lines if line.startswith("![")] == [
        f"![A title]({name})" for name in ("b.gif", "a.png", "c.png")
    ]
    assert "[a.py](a.py) · [a.svg](a.svg)" in lines
    assert "a.py" not in _gallery.page(scripts, pictures, links=False)


# -- files ------------------------------------------------------------------------------------------------------------


def plain_figure():
    figure, ax = pyplot.subplots(figsize=(3, 2))
    ax.plot([1, 2], label="line")
    ax.legend()
    return figure


def busy_figure():
    figure = plain_figure()
    figure.axes[0].scatter(np.arange(4000) % 63, np.arange(4000) % 61)
    figure.axes[0].plot(*np.random.default_rng(0).normal(size=(2, 6000)))
    return figure


def test_files_are_the_same_every_time_and_their_user_s_settings_do_not_matter():
    script = _scripts.described("one", module(draw=plain_figure, SVG=True))
    first = _drawing.rendered(script)
    with matplotlib.rc_context({"lines.linewidth": 9, "savefig.dpi": 50, "font.size": 20}):
        again = _drawing.rendered(script)
    assert first == again
    assert list(first) == [".png", ".svg"]
    assert _comparing.size(first[".png"]) == (300, 200)
    assert b"<dc:date>" not in first[".svg"]
    assert not pyplot.get_fignums()


def test_a_large_vector_drawing_is_not_kept():
    assert list(_drawing.rendered(_scripts.described("one", module(draw=busy_figure, SVG=True)))) == [".png"]


def test_axes_and_bytes_are_pictures_too():
    drawn = _drawing.rendered(_scripts.described("one", module(draw=lambda: plain_figure().axes[0])))
    assert drawn == _drawing.rendered(_scripts.described("one", module(draw=plain_figure)))
    assert _drawing.rendered(_scripts.described("one", module(draw=lambda: png(WHITE)))) == {".png": png(WHITE)}


def test_an_animation_is_a_gif_whose_last_picture_stays():
    drawn = _drawing.rendered(
        _scripts.described("one", module(draw=lambda: cm.animate(cm.conv("1 2", 4), hold=2, interval=200)))
    )
    assert list(drawn) == [".gif"]
    measures = _comparing.measured(".gif", drawn[".gif"])
    assert measures["frames"] == 3
    with Image.open(BytesIO(drawn[".gif"])) as opened:
        shown = []
        for frame in range(3):
            opened.seek(frame)
            shown.append(opened.info["duration"])
    assert shown == [200, 200, 600]


@pytest.mark.parametrize(
    ("kept", "drawn", "apart"),
    [
        (png(WHITE), png(WHITE), 0),
        (png(WHITE), png(0 * WHITE), 1),
        (png(WHITE), png(np.zeros((20, 30, 4))), 0),
        (png(WHITE), png(np.where(np.arange(30)[:, None] < 3, 0, WHITE)), 0.1),
        (png(WHITE), png(WHITE[:-1]), np.inf),
        (gif(0, 100, 255), gif(0, 100, 255), 0),
        (gif(0, 100, 255), gif(0, 100, 204), 0.2),
        (gif(0, 100, 255), gif(0, 255), np.inf),
    ],
    ids=[
        "the same",
        "black",
        "transparent",
        "a tenth black",
        "another size",
        "frames",
        "another frame",
        "a frame less",
    ],
)
def test_difference(kept, drawn, apart):
    assert _comparing.difference(kept, drawn) == pytest.approx(apart, abs=1e-6)


@pytest.mark.parametrize(
    ("suffix", "kept", "drawn", "said"),
    [
        (".png", png(WHITE), png(0.99 * WHITE), None),
        (".png", png(WHITE), png(0.9 * WHITE), "not the picture kept, mean difference 10"),
        (".gif", gif(0, 9), gif(9, 9, 0), "not the picture kept"),
        (".png", None, png(WHITE), "the picture kept is missing"),
        (".svg", svg(), svg(paths=52), None),
        (".svg", svg(), svg(paths=70), "not the drawing kept"),
        (".svg", svg(), svg(width=20), "not the drawing kept"),
        (".svg", b"", svg(), "not the drawing kept"),
        (".svg", None, svg(), "the picture kept is missing"),
    ],
)
def test_problem(suffix, kept, drawn, said):
    found = _comparing.problem(suffix, kept, drawn)
    assert found is None if said is None else found.startswith(said)


def test_what_a_figure_no_more_has_is_taken_away(tmp_path):
    main.write(tmp_path, "one", {".png": png(WHITE), ".svg": svg()})
    assert main.problems(tmp_path, "one", {".gif": gif(0, 9)}) == [
        "one.gif: the picture kept is missing",
        "one.png: its script does not draw it",
        "one.svg: its script does not draw it",
    ]
    main.write(tmp_path, "one", {".gif": gif(0, 9)})
    assert [path.name for path in tmp_path.iterdir()] == ["one.gif"]
    assert not main.problems(tmp_path, "one", {".gif": gif(0, 9)})


@pytest.mark.parametrize(("shade", "code"), [(1.0, 0), (0.5, 1)])
def test_check_says_what_is_not_as_kept(shade, code, tmp_path, monkeypatch, capsys):
    known = {"one": _scripts.described("one", module())}
    main.write(tmp_path, "one", {".png": png(WHITE)})
    (tmp_path / "README.md").write_text(main.gallery(known, tmp_path), encoding="utf-8")
    monkeypatch.setattr(
        main, "draw_all", lambda folder, names: [(name, {".png": png(shade * WHITE)}, 0.1) for name in names]
    )
    assert main.check(tmp_path, ["one"], known) == code
    assert ("one.png: not the picture kept" in capsys.readouterr().out) == bool(code)
    (tmp_path / "two.gif").write_bytes(gif(0))
    (tmp_path / "README.md").write_text("old", encoding="utf-8")
    assert main.check(tmp_path, ["one"], known) == 1
    said = capsys.readouterr().out
    assert "two.gif: no script draws it" in said
    assert "README.md: not what the scripts say" in said


def test_names_nobody_knows(capsys):
    with pytest.raises(SystemExit):
        main.main(["chequerboard"])
    assert "NAME must be one of" in capsys.readouterr().err


# -- the audit --------------------------------------------------------------------------------------------------------


def written(*texts, width=4.0, **options):
    figure = pyplot.figure(figsize=(width, 3))
    ax = figure.add_axes((0.2, 0.2, 0.6, 0.6))
    ax.set_axis_off()
    for x, y, text in texts:
        ax.text(x, y, text, **options)
    return figure


@pytest.mark.parametrize(
    ("figure", "said"),
    [
        (lambda: written((0.5, 0.5, "fine")), None),
        (lambda: written((0.1, 0.5, "one"), (0.7, 0.5, "two")), None),
        (lambda: written((0.1, 0.5, "one"), (0.1, 0.5, "two")), "'one' at .* lies over 'two'"),
        (lambda: written((0.1, 0.1, "a long one"), (0.5, 0.1, "a long one"), rotation=45), None),
        (lambda: written((0.1, 0.1, "a long one"), (0.12, 0.1, "a long one"), rotation=45), "lies over"),
        (lambda: written((0.1, 0.5, "small"), fontsize=6), "'small' at .* has 6.00 points"),
        (lambda: written((0.1, 0.5, "$x$"), fontsize=8), None),
        (lambda: written((0.1, 0.5, "$x^2$"), fontsize=8), r"'\$x\^2\$' at .* has 5.60 points"),
        (lambda: written((0.1, 0.5, "$x^2$"), fontsize=10), None),
        (lambda: written((1.3, 0.5, "outside")), "'outside' at .* leaves the picture"),
        (lambda: written((0.9, 0.5, "half outside"), clip_on=True), "'half outside' at .* is cut off by its axes"),
        (lambda: written((2, 2, "not drawn"), clip_on=True), None),
        (lambda: written((0.5, 0.5, "hidden"), fontsize=3, visible=False), None),
        (lambda: written((0.5, 0.5, "fine"), width=9.2), "9.20 inches wide, more than 9"),
        (lambda: png(np.ones((10, 1000))), "10.00 inches wide, more than 9"),
    ],
    ids=[
        "one", "two", "overlap", "turned", "turned overlap", "small", "formula", "small index", "index", "outside",
        "cut", "out of view", "hidden", "wide", "wide pixels",
    ],
)  # fmt: skip
def test_the_audit_can_fail(figure, said):
    found = figure_audit.problems(figure())
    assert not found if said is None else len(found) == 1
    if said is not None:
        with pytest.raises(AssertionError, match=said):
            raise AssertionError(found[0])


def test_the_audit_sees_ticks_titles_and_legends():
    figure, ax = pyplot.subplots(figsize=(4, 3))
    ax.plot([0, 1], label="line")
    ax.set_title("title")
    ax.legend()
    texts = {each.text for each in figure_audit.written_on(figure)}
    assert {"title", "line", "0.0", "1.0"} <= texts
    ax.tick_params(labelsize=5)
    assert any("has 5.00 points" in problem for problem in figure_audit.problems(figure))


def test_the_audit_allows_named_pairs():
    figure = written((0.1, 0.5, "one"), (0.1, 0.5, "two"))
    assert not figure_audit.problems(figure, frozenset({("two", "one")}))


MAY_OVERLAP: dict[str, frozenset[tuple[str, str]]] = {}
"""Pairs of texts that lie over each other on purpose, a figure; each with its reason beside it."""


@pytest.mark.parametrize("name", KNOWN)
def test_every_figure_is_legible(name):
    with matplotlib.style.context("default"):
        drawn = KNOWN[name].draw()
    assert not figure_audit.problems(drawn, MAY_OVERLAP.get(name, frozenset()))


@pytest.mark.parametrize("name", KNOWN)
def test_every_figure_is_kept(name):
    kept = {path.suffix for path in _scripts.HERE.glob(f"{name}.*")} - {".py"}
    assert kept == ({".gif"} if name.startswith("animation_") else {".png"} | ({".svg"} if KNOWN[name].svg else set()))
    for path in _scripts.HERE.glob(f"{name}.gif"):
        assert path.stat().st_size < 400_000


def test_both_matrices_of_the_article_have_cells_of_one_size():
    figure = KNOWN["article_matrix"].draw()
    sizes = [ax.get_window_extent().size / ax.images[0].get_array().shape[::-1] for ax in figure.axes if ax.images]
    assert np.allclose(sizes, sizes[0][0])


def test_the_page_is_what_the_scripts_say():
    page = (_scripts.HERE / "README.md").read_text(encoding="utf-8")
    assert page == main.gallery(KNOWN, Path(_scripts.HERE))
