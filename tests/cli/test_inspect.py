"""`convmatrix inspect`: what it prints and the files it writes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from scipy.io import mmread
from scipy.sparse import load_npz

import convmatrix as cm

SOBEL = "-1 0 1; -2 0 2; -1 0 1"


@pytest.mark.parametrize("text", [SOBEL, "-1,0,1;-2,0,2;-1,0,1", "sobel_x", "[-1 0 1; -2 0 2; -1 0 1]"])
def test_a_kernel_as_it_is_typed(run, text):
    document = json.loads(run("inspect", text, "--json").out)
    assert document["kernel"]["entries"] == [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
    assert document["matrix"] == cm.conv(SOBEL, (4, 4)).toarray().tolist()


def test_text_names_kernel_operator_and_the_size_chosen(run):
    ran = run("inspect", "0 1 2; 2 2 0; 0 1 2")
    assert ran.code == 0
    assert ran.err == ""
    assert "kernel 0 1 2; 2 2 0; 0 1 2 (3x3, integers)\n  0  1  2\n  2  2  0\n" in ran.out
    assert "4 x 16 matrix" in ran.out
    assert "input size 4x4, since --input-size was not given" in ran.out
    assert "\n  0  1  2  .  2  2  0  .  0  1  2  .  .  .  .  .\n" in ran.out


def test_inspection_is_the_library_s(run):
    ran = run("inspect", "sobel_x", "--input-size", "28x28", "--padding", "1")
    assert str(cm.inspect(cm.conv("sobel_x", (28, 28), padding=1))) in ran.out
    assert "matrix (." not in ran.out


GEOMETRIES = [
    ("1 2 1", "--input-size 9 --stride 2 --padding 1:0", lambda: cm.conv("1 2 1", 9, stride=2, padding=((1, 0),))),
    (
        SOBEL,
        "--input-size 7x6 --stride 2x1 --padding 1x2",
        lambda: cm.conv(SOBEL, (7, 6), stride=(2, 1), padding=(1, 2)),
    ),
    (SOBEL, "--input-size 8 --dilation 2", lambda: cm.conv(SOBEL, (8, 8), dilation=2)),
    (SOBEL, "--input-size 6x6 --padding 0:1x0:1", lambda: cm.conv(SOBEL, (6, 6), padding=((0, 1), (0, 1)))),
    (SOBEL, "--input-size 6x6 --padding same", lambda: cm.conv(SOBEL, (6, 6), padding="same")),
    (
        SOBEL,
        "--input-size 6x6 --padding 1 --padding-mode circular",
        lambda: cm.conv(SOBEL, (6, 6), padding=1, padding_mode="circular"),
    ),
    ("1 2; 3 4", "--input-size 5x5 --flip", lambda: cm.conv("1 2; 3 4", (5, 5), flip=True)),
    (
        "1 2; 3 4",
        "--input-size 3x3 --transpose --stride 2 --output-padding 1",
        lambda: cm.conv_transpose("1 2; 3 4", (3, 3), stride=2, output_padding=1),
    ),
    ("1 2; 3 4", "--transpose --flip", lambda: cm.conv_transpose("4 3; 2 1", (2, 2))),
    ("laplacian3d", "--input-size 4", lambda: cm.conv("laplacian3d", (4, 4, 4))),
    ("1 2 1", "--padding 5 --padding-mode reflect", lambda: cm.conv("1 2 1", 6, padding=5, padding_mode="reflect")),
    ("1 2 1", "--dilation 3", lambda: cm.conv("1 2 1", 8, dilation=3)),
]


@pytest.mark.parametrize(("kernel", "options", "build"), GEOMETRIES, ids=[o for _, o, _ in GEOMETRIES])
def test_geometry_options(run, folder, kernel, options, build):
    ran = run("inspect", kernel, *options.split(), "-o", "m.npz")
    assert ran.code == 0, ran.err
    assert ran.err == "wrote m.npz\n"
    matrix, expected = load_npz("m.npz"), build().tosparse()
    assert matrix.dtype == expected.dtype
    np.testing.assert_array_equal(matrix.toarray(), expected.toarray())


LAYERS = [((4, 2, 3, 3), 1, (5, 6)), ((4, 1, 3, 3), 2, (5, 6)), ((2, 3, 5), 1, (9,)), ((2, 2, 2, 2, 2), 1, (3, 3, 3))]


@pytest.mark.parametrize(("shape", "groups", "size"), LAYERS, ids=[str(shape) for shape, *_ in LAYERS])
def test_layers_from_files(run, folder, rng, shape, groups, size):
    weight = rng.normal(size=shape)
    np.save("weight.npy", weight)
    words = ["inspect", "weight.npy", "--groups", str(groups), "--input-size", "x".join(map(str, size))]
    ran = run(*words, "-o", "m.npy", "--json")
    assert ran.code == 0, ran.err
    expected = cm.conv(weight, size, groups=groups).toarray()
    np.testing.assert_array_equal(np.load("m.npy", allow_pickle=False), expected)
    assert json.loads(ran.out)["inspection"]["nnz"] == cm.conv(weight, size, groups=groups).nnz


def test_layer_from_a_file_with_one_size_for_all_axes(run, folder, rng):
    np.save("weight.npy", rng.normal(size=(2, 1, 3, 3)))
    assert "(1, 7, 7) -> (2, 5, 5)" in run("inspect", "weight.npy", "--input-size", "7").out


def as_read(path):
    readers = {
        ".npz": lambda: load_npz(path).toarray(),
        ".mtx": lambda: mmread(path).toarray(),
        ".npy": lambda: np.load(path, allow_pickle=False),
        ".csv": lambda: np.loadtxt(path, delimiter=",", ndmin=2),
    }
    return readers[Path(path).suffix]()


@pytest.mark.parametrize("suffix", [".npz", ".mtx", ".npy", ".csv"])
@pytest.mark.parametrize("kernel", ["sobel_x", "gaussian:size=3", "gaussian3"])
def test_files_hold_the_matrix(run, folder, kernel, suffix):
    ran = run("inspect", kernel, "--input-size", "6x5", "--padding", "1", "-o", f"m{suffix}")
    assert ran.code == 0, ran.err
    op = cm.conv(kernel, (6, 5), padding=1)
    np.testing.assert_array_equal(as_read(f"m{suffix}"), op.toarray(dtype=float))
    exact = "fractions are written as float64; .tex keeps them exact\n" if op.dtype == object else ""
    assert ran.err == f"{exact}wrote m{suffix}\n"
    assert [path.name for path in folder.iterdir()] == [f"m{suffix}"]


def test_latex_is_exact(run, folder):
    sympy = pytest.importorskip("sympy")
    ran = run("inspect", "a 1/3; c d", "--transpose", "-o", "m.tex")
    assert ran.code == 0
    expected = sympy.latex(cm.conv_transpose("a 1/3; c d", (2, 2)).tosympy())
    assert Path("m.tex").read_text() == expected + "\n"


@pytest.mark.parametrize(
    ("suffix", "start"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")], ids=lambda v: str(v)
)
def test_pictures(run, folder, suffix, start):
    ran = run("inspect", "sobel_x", "--plot", f"p{suffix}", "--json")
    assert (ran.code, ran.err) == (0, f"wrote p{suffix}\n")
    assert Path(f"p{suffix}").read_bytes().startswith(start)
    assert json.loads(ran.out)["files"] == {"plot": f"p{suffix}"}


def test_json_is_one_document(run):
    ran = run("inspect", "a b; 1/2 d", "--json")
    document = json.loads(ran.out)
    assert document["schema_version"] == 1
    assert document["command"] == "inspect"
    assert document["kernel"] == {
        "text": "a b; 1/2 d",
        "shape": [2, 2],
        "dtype": "object",
        "entries": [["a", "b"], ["1/2", "d"]],
    }
    assert document["input_size"] == [4, 4]
    assert document["application"] is None
    assert document["inspection"]["shape"] == [9, 16]


def test_writing_replaces_the_file_and_keeps_its_mode(run, folder):
    old = folder / "m.npy"
    old.write_bytes(b"old")
    old.chmod(0o640)
    assert run("inspect", "1 2", "-o", "m.npy").code == 0
    np.testing.assert_array_equal(np.load(old, allow_pickle=False), cm.conv("1 2", 4).toarray())
    assert old.stat().st_mode & 0o777 == 0o640


def test_an_interrupted_write_leaves_nothing(run, folder, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setitem(cm.cli.output._WRITERS, ".npy", stop)
    assert run("inspect", "1 2", "-o", "m.npy").code == 130
    assert list(folder.iterdir()) == []


def test_a_full_disk_is_one_line(run, folder, monkeypatch):
    def full(op, file):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(cm.cli.output._WRITERS, ".npy", full)
    ran = run("inspect", "1 2", "-o", "m.npy")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "convmatrix inspect: error: m.npy must be writable, got No space left on device\n"
    assert list(folder.iterdir()) == []


HUGE = ["--input-size", "200000x200000"]
REFUSED = [
    (["zzz"], "kernel name must be .*'zzz'"),
    (["sobelx"], "'sobelx'; did you mean sobel_x"),
    (["1 2; 3"], "kernel rows must all be as long as the first"),
    (["1 $ 3"], "kernel literal must be made of numbers"),
    (["gaussian:size=4x"], "gaussian size must be"),
    (["__import__('os')"], "unknown name '__import__'"),
    (["missing.npy"], "kernel file must exist, got 'missing.npy'"),
    (["corrupt.npy"], "kernel file must be an intact NumPy file"),
    (["empty.npy"], "kernel file must not be empty"),
    (["pickled.npy"], "pickled"),
    (["nan.npy"], "kernel file must hold finite numbers"),
    (["sobel_x", "--stride", "0"], "stride must be at least 1, got 0 on axis 0"),
    (["sobel_x", "--dilation", "0"], "dilation must be at least 1, got 0 on axis 0"),
    (["sobel_x", "--padding", "-1"], "padding must be at least 0 on every side, got -1"),
    (["sobel_x", "--stride", "1x1x1"], "stride must be one integer or one for each of the 2 axes"),
    (["sobel_x", "--groups", "2"], "groups must divide out_channels 1, got 2"),
    (["sobel_x", "--groups", "0"], "groups must be at least 1, got 0"),
    (["sobel_x", "--input-size", "0x5"], "input_size must be at least 1, got 0 on axis 0"),
    (["sobel_x", "--input-size", "2x2"], "output size must be at least 1, got 0 on axis 0"),
    (["sobel_x", "--input-size", "5x5x5"], "weight must have 3 axes .* got shape"),
    (
        ["sobel_x", "--input-size", "5x5", "--padding", "5", "--padding-mode", "reflect"],
        "padding must be below the input size",
    ),
    (["sobel_x", "--output-padding", "1"], "--output-padding must come with --transpose, got 1"),
    (["sobel_x", "--transpose", "--output-padding", "1"], "output_padding must be below max"),
    (["sobel_x", "--transpose", "--padding-mode", "circular"], "--padding-mode must be zeros with --transpose"),
    (["sobel_x", "--transpose", "--padding", "same"], "padding must be an int, .* got 'same'"),
    (["sobel_x", "-o", "m.foo"], "-o must end in .npz, .mtx, .npy, .csv, .tex, got 'm.foo'"),
    (["sobel_x", "-o", "m"], "-o must end in"),
    (["sobel_x", "--plot", "p.jpg"], "--plot must end in .png, .svg, .pdf, got 'p.jpg'"),
    (["sobel_x", "-o", "missing/m.npz"], "-o must be in a folder that exists, got 'missing/m.npz'"),
    (["sobel_x", "-o", "folder.npz"], "-o must be a regular file, got 'folder.npz'"),
    (["nan.npy", "-o", "nan.npy"], "-o must not be a file that is read"),
    (["sobel_x", *HUGE, "-o", "m.npz"], r"the matrix must fit into memory, got 6.1 TB .* without -o .* op\(x\)"),
    (["sobel_x", *HUGE, "-o", "m.npy"], r"the matrix must fit into memory, got .* EB"),
    (["sobel_x", "--input-size", "90x90", "-o", "m.csv"], "-o with .csv must be for at most 25000000 cells"),
    (["sobel_x", "--input-size", "28x28", "-o", "m.tex"], "-o with .tex must be for at most 100 rows and columns"),
    (["a b; c d", "-o", "m.npz"], "the symbols a, b, c, d: .* -o FILE.tex writes that"),
]


@pytest.fixture
def bad_files(folder):
    (folder / "corrupt.npy").write_bytes(b"\x93NUMPY\x01\x00broken")
    (folder / "empty.npy").write_bytes(b"")
    np.save(folder / "pickled.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    np.save(folder / "nan.npy", np.array([[1.0, np.nan]]))
    (folder / "folder.npz").mkdir()
    return folder


@pytest.mark.parametrize(("words", "message"), REFUSED, ids=[" ".join(words) for words, _ in REFUSED])
def test_bad_input_is_one_line_and_leaves_nothing(run, bad_files, words, message):
    before = sorted(bad_files.iterdir())
    ran = run("inspect", *words)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("convmatrix inspect: error: ")
    assert ran.err.count("\n") == 1
    assert re.search(message, ran.err)
    assert sorted(bad_files.iterdir()) == before


def test_a_folder_that_cannot_be_written(run, folder, monkeypatch):
    monkeypatch.setattr("convmatrix.cli.output.os.access", lambda *_: False)
    ran = run("inspect", "sobel_x", "-o", "m.npz")
    assert (ran.code, ran.err) == (2, "convmatrix inspect: error: -o must be writable, got 'm.npz'\n")


def test_terabytes_are_inspected_at_once(run):
    ran = run("inspect", "sobel_x", *HUGE, "--json")
    document = json.loads(ran.out)
    assert document["inspection"]["nnz"] == cm.conv("sobel_x", (200000, 200000)).nnz
    assert document["matrix"] is None


def test_a_folder_that_takes_no_files_is_named_as_typed(run, folder, monkeypatch):
    def refuse(**_):
        raise OSError(30, "Read-only file system", str(folder / ".m-x.part"))

    monkeypatch.setattr("convmatrix.cli.output.tempfile.mkstemp", refuse)
    ran = run("inspect", "sobel_x", "-o", "./m.npz")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "convmatrix inspect: error: ./m.npz must be writable, got Read-only file system\n"


def test_a_picture_that_fails_leaves_no_matrix(run, folder, monkeypatch):
    def fail(*_, **__):
        raise cm.ConvMatrixError("no picture today")

    (folder / "m.npz").write_bytes(b"old")
    monkeypatch.setattr("convmatrix.plots.saving.save", fail)
    ran = run("inspect", "sobel_x", "-o", "m.npz", "--plot", "p.png")
    assert (ran.code, ran.out, ran.err) == (2, "", "convmatrix inspect: error: no picture today\n")
    assert [(path.name, path.read_bytes()) for path in folder.iterdir()] == [("m.npz", b"old")]


def test_a_document_that_is_refused_leaves_nothing(run, folder, monkeypatch):
    monkeypatch.setattr("convmatrix.cli.text.entries", lambda array: float("nan"))
    ran = run("inspect", "sobel_x", "-o", "m.npz", "--plot", "p.png", "--json")
    assert (ran.code, ran.out) == (2, "")
    assert re.search("--json must be of finite numbers, got NaN or infinity", ran.err)
    assert list(folder.iterdir()) == []


def test_entries_beyond_floats_are_inspected(run):
    ran = run("inspect", "1e400 1")
    assert (ran.code, ran.err) == (0, "")
    assert "3 of 3 (exact)" in ran.out


def test_entries_beyond_floats_are_not_written(run, folder):
    ran = run("inspect", "1e400 1", "-o", "m.npz")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "convmatrix inspect: error: weight entries must fit a float64, got about 1e400\n"
    assert list(folder.iterdir()) == []


def test_many_entries_are_left_out_of_json(run):
    ran = run("inspect", "box:size=101x100", "--json")
    assert json.loads(ran.out)["kernel"]["entries"] is None
    assert ran.err == "entries are null: JSON holds those of kernels of at most 10,000, got 10,100\n"
