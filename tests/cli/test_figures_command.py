"""`convmatrix figures`: which scripts are run, where their files go, and what is said of them."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import matplotlib
import pytest
from cli_running import Terminal
from PIL import Image

from convmatrix.cli import figure_scripts, figures_command
from convmatrix.errors import ConvMatrixError

ROOT = Path(figure_scripts.__file__).parents[2]
SCRIPT = '''"""{title}."""
from matplotlib import pyplot
import convmatrix as cm
from . import _shared

SECTION, STEP, CAPTION = "{section}", {step}, "See {title}."
SVG = {svg}


def draw():
    {body}
'''
FIGURE = "return pyplot.figure(figsize=_shared.SIZE)"
SCRIPTS = {
    "late": ("9", 1, "False", FIGURE),
    "first": ("2.1", 0, "True", FIGURE),
    "moving": ("2.1", 2, "False", "return cm.animate(cm.conv('1 2', 4))"),
    "fourth": ("6.1", 1, "False", FIGURE),
}


@pytest.fixture
def scripts(tmp_path, monkeypatch):
    """A folder of four scripts, in place of those of the package."""
    folder = tmp_path / "scripts"
    folder.mkdir()
    for path in (ROOT / "figures").glob("_*.py"):
        if path.name != "__main__.py":
            shutil.copy(path, folder)
    (folder / "_shared.py").write_text("SIZE = (2, 1)\n")
    for name, (section, step, svg, body) in SCRIPTS.items():
        text = SCRIPT.format(title=f"The {name} one", section=section, step=step, svg=svg, body=body)
        (folder / f"{name}.py").write_text(text)
    monkeypatch.setattr(figures_command, "scripts_folder", lambda: folder)
    before = dict(sys.modules)
    yield folder
    for name in set(sys.modules) - set(before):
        if name.startswith("convmatrix._figures"):
            del sys.modules[name]


def failing(folder, name, body="raise ValueError('no pen')"):
    text = SCRIPT.format(title="A bad one", section="1", step=0, svg="False", body=body)
    (folder / f"{name}.py").write_text(text)


def files(folder):
    return sorted(path.name for path in Path(folder).iterdir())


def test_all_are_drawn_with_a_page(run, scripts):
    ran = run("figures", "-o", "pictures")
    assert ran.code == 0
    assert files("pictures") == ["figures.md", "first.png", "first.svg", "fourth.png", "late.png", "moving.gif"]
    assert ran.out.splitlines() == [
        "2.1  first.png, .svg  The first one",
        "2.1  moving.gif       The moving one",
        "6.1  fourth.png       The fourth one",
        "9    late.png         The late one",
    ]
    assert ran.err == "wrote 5 pictures into pictures\n"
    page = Path("pictures/figures.md").read_text()
    places = [
        page.index(text) for text in ("## 2.1. One channel", "(first.png)", "(moving.gif)", "## 6.1. Checker", "## 9.")
    ]
    assert places == sorted(places)
    with Image.open("pictures/first.png") as picture:
        assert picture.size == (200, 100)


def test_only_those_named_without_a_page(run, scripts):
    assert run("figures", "late", "first", "-o", "a/b").code == 0
    assert files("a/b") == ["first.png", "first.svg", "late.png"]


def test_without_a_folder_there_is_a_default(run, scripts):
    assert run("figures", "late").code == 0
    assert files("convmatrix-figures") == ["late.png"]


def test_list(run, scripts):
    ran = run("figures", "--list")
    assert ran.out.splitlines() == [
        "2.1  first   The first one",
        "2.1  moving  The moving one",
        "6.1  fourth  The fourth one",
        "9    late    The late one",
    ]
    assert not Path("convmatrix-figures").exists()


def test_list_as_json(run, scripts):
    document = json.loads(run("figures", "late", "--list", "--json").out)
    assert document["schema_version"] == 1
    assert document["figures"] == [
        {
            "name": "late",
            "section": "9",
            "section_title": "Flattened convolution",
            "step": 1,
            "title": "The late one",
            "caption": "See The late one.",
        }
    ]


def test_json_says_what_was_written(run, scripts):
    ran = run("figures", "first", "moving", "-o", "pictures", "--json")
    document = json.loads(ran.out)
    assert (document["command"], document["folder"]) == ("figures", "pictures")
    first, moving = document["figures"]
    png, svg = first["files"]
    assert png == {
        "path": str(Path("pictures/first.png")),
        "bytes": Path("pictures/first.png").stat().st_size,
        "width": 200,
        "height": 100,
        "frames": 1,
    }
    assert svg == {"path": str(Path("pictures/first.svg")), "bytes": Path("pictures/first.svg").stat().st_size}
    assert moving["files"][0]["frames"] == 3


def test_the_same_files_every_time(run, scripts):
    run("figures", "-o", "one")
    run("figures", "first", "moving", "-o", "two")
    for name in ("first.png", "first.svg", "moving.gif"):
        assert Path("one", name).read_bytes() == Path("two", name).read_bytes()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("fist",), "NAME must be a figure, got 'fist': did you mean first?"),
        (("xyzzy",), "NAME must be a figure, got 'xyzzy': --list lists them"),
        (("_shared",), "NAME must be a figure, got '_shared'"),
        (("late", "-o", "file"), "-o must be a folder, got 'file'"),
        (("late", "-o", ""), "-o must be a folder, got ''"),
        (("late", "-o", "file/below"), "-o must be a folder that can be written, got 'file/below'"),
        (("--list", "-o", "pictures"), "-o must come without --list, got 'pictures'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_refusals(run, scripts, words, said):
    Path("file").write_text("")
    ran = run("figures", *words)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("convmatrix figures: error: ")
    assert said in ran.err
    assert ran.err.count("\n") == 1


def test_a_script_that_fails_leaves_nothing(run, scripts):
    failing(scripts, "bad")
    ran = run("figures", "bad", "-o", "a/b")
    assert ran.code == 2
    assert "figures must be drawn by their scripts, got errors from bad (ValueError: no pen)" in ran.err
    assert not Path("a").exists()
    Path("a").mkdir()
    assert run("figures", "bad", "-o", "a").code == 2
    assert files("a") == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import nowhere_to_be_found", "ModuleNotFoundError: No module"),
        ("'''A title.'''", "ValueError: figure bad must have a CAPTION"),
    ],
)
def test_scripts_that_cannot_be_read(run, scripts, text, said):
    (scripts / "bad.py").write_text(text)
    ran = run("figures", "late", "-o", "pictures")
    assert ran.code == 2
    assert f"figures must be scripts that can be read, got {said}" in ran.err
    assert not Path("pictures").exists()


@pytest.mark.parametrize("names", [("bad", "late"), ("bad", "late", "first", "fourth")], ids=["here", "in processes"])
def test_the_others_are_drawn_first(run, scripts, names):
    failing(scripts, "bad")
    ran = run("figures", *names, "-o", "pictures")
    assert ran.code == 2
    assert "errors from bad (ValueError: no pen)" in ran.err
    assert {f"{name}.png" for name in names[1:]} <= set(files("pictures"))
    assert not [name for name in files("pictures") if name.endswith(".part")]


def test_without_processes_all_is_drawn_here(run, scripts, monkeypatch):
    def broken(folder, names):
        yield figure_scripts.draw(folder, names[0])[0], figure_scripts.draw(folder, names[0])
        raise figure_scripts.BrokenProcessPool

    monkeypatch.setattr(figure_scripts, "_in_processes", broken)
    assert run("figures", "-o", "pictures").code == 0
    assert len(files("pictures")) == 6


def test_progress_on_a_terminal_only(scripts, monkeypatch, capsys):
    list(figure_scripts.draw_all(scripts, ["late"]))
    assert capsys.readouterr().err == ""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    list(figure_scripts.draw_all(scripts, ["late", "first"]))
    assert re.search(r"1/2 late \d+\.\d s", terminal.written)
    assert re.search(r"2/2 first \d+\.\d s", terminal.written)
    assert terminal.written.endswith("\r\x1b[K")


def test_a_module_of_the_user_is_never_in_the_way(run, scripts, folder, monkeypatch):
    (folder / "figures.py").write_text("raise SystemExit('not this one')")
    monkeypatch.syspath_prepend(str(folder))
    before = sys.modules.get("figures")
    assert run("figures", "late", "-o", "pictures").code == 0
    assert sys.modules.get("figures") is before


def test_settings_stay_as_they_were(run, scripts):
    before = matplotlib.rcParams.copy()
    assert run("figures", "late", "first", "-o", "pictures").code == 0
    assert matplotlib.rcParams == before


@pytest.mark.parametrize(
    ("there", "found"),
    [
        (("site/convmatrix/_figures", "site/figures"), "site/convmatrix/_figures"),
        (("site/figures",), "site/figures"),
        ((), None),
    ],
    ids=["installed", "checkout", "nowhere"],
)
def test_where_the_scripts_are(tmp_path, monkeypatch, there, found):
    for name in there:
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "_scripts.py").write_text("")
    monkeypatch.setattr(figure_scripts, "__file__", str(tmp_path / "site/convmatrix/cli/figure_scripts.py"))
    if found is None:
        with pytest.raises(ConvMatrixError, match="figures must be drawn by scripts that were installed"):
            figure_scripts.scripts_folder()
    else:
        assert figure_scripts.scripts_folder() == tmp_path / found


def test_a_package_that_fails_is_not_kept(tmp_path):
    (tmp_path / "__init__.py").write_text("raise ValueError('broken')")
    with pytest.raises(ValueError, match="broken"):
        figure_scripts.load(tmp_path, "_scripts")
    assert "convmatrix._figures" not in sys.modules
