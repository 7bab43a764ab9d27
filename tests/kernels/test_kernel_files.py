"""Kernels and weights from files: what comes back, and what is refused in which words."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy

from convmatrix.errors import KernelError
from convmatrix.kernels import kernel

SOBEL = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], dtype=np.int64)

DTYPES = {
    "bool": "int64",
    "int8": "int64",
    "uint64": "int64",
    ">i4": "int64",
    "float16": "float32",
    "float32": "float32",
    ">f4": "float32",
    "float64": "float64",
    "longdouble": "float64",
    "complex64": "complex64",
    "complex128": "complex128",
}


@pytest.mark.parametrize(("saved", "expected"), DTYPES.items(), ids=DTYPES)
def test_number_types(tmp_path: Path, saved: str, expected: str) -> None:
    weight = (np.arange(24) % 5).astype(saved).reshape(2, 3, 2, 2)
    path = tmp_path / "w.npy"
    np.save(path, weight)
    found = kernel(path)
    assert found.dtype == np.dtype(expected)
    assert np.array_equal(found, weight.astype(expected))


def test_uint64_beyond_int64_stays_exact(tmp_path: Path) -> None:
    np.save(tmp_path / "w.npy", np.array([2**64 - 1, 1], dtype=np.uint64))
    assert kernel(tmp_path / "w.npy").tolist() == [Fraction(2**64 - 1), Fraction(1)]


def test_fortran_order_is_kept_as_values(tmp_path: Path) -> None:
    np.save(tmp_path / "w.npy", np.asfortranarray(SOBEL))
    found = kernel(tmp_path / "w.npy")
    assert found.flags.c_contiguous
    assert np.array_equal(found, SOBEL)


@pytest.mark.parametrize("kind", [str, Path])
def test_paths_and_strings_in_any_case(tmp_path: Path, kind: Callable[[Path], Any]) -> None:
    path = tmp_path / "W.NPY"
    with path.open("wb") as stream:
        np.save(stream, SOBEL)
    assert np.array_equal(kernel(kind(path)), SOBEL)


ARCHIVES: dict[str, tuple[dict[str, Any], str]] = {
    "the only array": ({"anything": SOBEL}, ""),
    "called weight": ({"bias": np.ones(3), "weight": SOBEL}, ""),
    "called kernel": ({"bias": np.ones(3), "kernel": SOBEL}, ""),
    "picked": ({"a": np.ones(3), "b": SOBEL}, ":b"),
    "picked over weight": ({"weight": np.ones(3), "b": SOBEL}, ":b"),
}


@pytest.mark.parametrize(("arrays", "pick"), ARCHIVES.values(), ids=ARCHIVES)
def test_archives(tmp_path: Path, arrays: dict[str, Any], pick: str) -> None:
    np.savez(tmp_path / "w.npz", **arrays)
    assert np.array_equal(kernel(f"{tmp_path / 'w.npz'}{pick}"), SOBEL)


TEXTS: dict[str, tuple[str, Any]] = {
    "k.csv commas": ("-1,0,1\n-2,0,2\n-1,0,1\n", SOBEL),
    "k.csv semicolons": ("-1;0;1\r\n-2;0;2\r\n-1;0;1\r\n", SOBEL),
    "k.csv tabs": ("-1\t0\t1\n-2\t0\t2\n-1\t0\t1", SOBEL),
    "k.csv byte order mark": ("\ufeff-1,0,1\n-2,0,2\n-1,0,1\n", SOBEL),
    "k.txt blanks": ("# Sobel\n-1 0 1\n\n-2 0 2 # twice\n-1 0 1\n", SOBEL),
    "k.txt literal": ("-1 0 1; -2 0 2; -1 0 1\n", SOBEL),
    "k.TXT one line": ("1 2 1\n", np.array([1, 2, 1], dtype=np.int64)),
    "k.csv one column": ("1\n2\n", np.array([[1], [2]], dtype=np.int64)),
    "k.csv measured": ("0.1,1\n2,3e0\n", np.array([[0.1, 1], [2, 3]])),
    "k.csv subnormal": ("5e-324,1\n", np.array([5e-324, 1])),
}


@pytest.mark.parametrize(("text", "expected"), TEXTS.values(), ids=TEXTS)
def test_text_files(tmp_path: Path, text: str, expected: Any, request: pytest.FixtureRequest) -> None:
    path = tmp_path / request.node.callspec.id.split()[0]
    path.write_bytes(text.encode())
    found = kernel(path)
    assert found.dtype == expected.dtype
    assert np.array_equal(found, expected)


def test_decimals_in_text_are_exact_beside_fractions_and_symbols(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text("0.1,1/3\n")
    (tmp_path / "s.csv").write_text("0.1,a\n")
    assert kernel(tmp_path / "f.csv").tolist() == [Fraction(1, 10), Fraction(1, 3)]
    assert kernel(tmp_path / "s.csv").tolist() == [sympy.Rational(1, 10), sympy.Symbol("a")]


@pytest.mark.parametrize("save", ["%.18e", "%.6g", "%d"])
def test_what_numpy_writes_comes_back(tmp_path: Path, save: str) -> None:
    table = np.array([[1.5e-300, -2], [3, 4e200]]) if save == "%.18e" else SOBEL
    np.savetxt(tmp_path / "k.txt", table, fmt=save, header="from numpy")
    assert np.array_equal(kernel(tmp_path / "k.txt"), table)


class Trap:
    """Unpickling this makes a directory."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (str(self.mark),))


def pickled(path: Path) -> None:
    path.write_bytes(pickle.dumps(Trap(path.with_name("sprung"))))


def pickled_array(path: Path) -> None:
    np.save(path, np.array([Trap(path.with_name("sprung"))]))


def pickled_archive(path: Path) -> None:
    np.savez(path, w=np.array([Trap(path.with_name("sprung"))]))


def header_only(path: Path) -> None:
    with path.open("wb") as stream:
        np.lib.format.write_array_header_1_0(stream, {"descr": "<f8", "fortran_order": False, "shape": (10**6, 10**7)})
        stream.write(b"few")


def truncated(path: Path) -> None:
    np.savez_compressed(path, weight=np.random.default_rng(0).normal(size=(50, 50)))
    path.write_bytes(path.read_bytes()[:300])


def flipped(path: Path) -> None:
    np.savez_compressed(path, weight=np.arange(2500.0).reshape(50, 50))
    data = bytearray(path.read_bytes())
    data[200:240] = bytes(255 - byte for byte in data[200:240])
    path.write_bytes(bytes(data))


def array(values: Any, **options: Any) -> Callable[[Path], None]:
    return lambda path: np.save(path, np.array(values, **options))


def text(content: str) -> Callable[[Path], Any]:
    return lambda path: path.write_text(content)


def raw(content: bytes) -> Callable[[Path], Any]:
    return lambda path: path.write_bytes(content)


REFUSED: dict[str, tuple[Callable[[Path], Any], str]] = {
    "missing.npy": (lambda path: None, r"file must exist, got '.*missing\.npy'"),
    "directory.npy": (Path.mkdir, "file must be a file, got a directory"),
    "empty.npy": (raw(b""), "file must not be empty, got 0 bytes"),
    "empty.csv": (raw(b""), "file must not be empty, got 0 bytes"),
    "comments.csv": (text("# nothing\n"), r"kernel text must not be empty, got .* \(in file '.*comments.csv'\)"),
    "noise.npy": (
        raw(b"not an array at all"),
        r"must be an intact NumPy file; pickled ones are never loaded.*ValueError",
    ),
    "pickle.npy": (pickled, "pickled ones are never loaded"),
    "object.npy": (pickled_array, "must hold numbers, got pickled objects"),
    "object.npz": (pickled_archive, "must hold numbers, got pickled objects"),
    "header.npy": (header_only, "must be an intact NumPy file"),
    "noise.npz": (raw(b"PK\x03\x04 not really a zip archive"), r"intact NumPy file.*BadZipFile"),
    "truncated.npz": (truncated, "must be an intact NumPy file"),
    "flipped.npz": (flipped, "must be an intact NumPy file"),
    "two.npz": (lambda path: np.savez(path, a=SOBEL, b=SOBEL), r"must hold one array, .*, got a, b in"),
    "both.npz": (lambda path: np.savez(path, weight=SOBEL, kernel=SOBEL), "got weight, kernel in"),
    "many.npz": (lambda path: np.savez(path, *[SOBEL] * 12), r"arr_9, \.\.\. in"),
    "none.npz": (lambda path: np.savez(path), "got none in"),
    "one.npz:b": (lambda path: np.savez(path.with_name("one.npz"), a=SOBEL), "must hold an array called 'b', got a in"),
    "words.npy": (array(["a", "b"]), "must hold numbers, got dtype <U1"),
    "dates.npy": (array(["2020-01-01"], dtype="M8[D]"), r"must hold numbers, got dtype datetime64\[D\]"),
    "records.npy": (array([(1, 2.0)], dtype=[("a", int), ("b", float)]), "must hold numbers, got dtype"),
    "scalar.npy": (array(3.0), r"must hold an array with entries, got shape \(\)"),
    "zero.npy": (array(np.ones((3, 0))), r"must hold an array with entries, got shape \(3, 0\)"),
    "nan.npy": (array([[1, 2], [np.nan, 4]]), r"must hold finite numbers, got nan at index \(1, 0\)"),
    "inf.npy": (array([1, -np.inf]), r"must hold finite numbers, got -inf at index \(1,\)"),
    "complex.npy": (array([1, complex(0, np.nan)]), r"must hold finite numbers, got .*nanj?\)? at index \(1,\)"),
    "nan.csv": (text("1,2\nnan,3\n"), r"must be finite, got 'nan' .*\(in file '.*nan.csv'\)"),
    "huge.csv": (text("1,2\n3,1e400\n"), r"must hold finite numbers, got inf at index \(1, 1\)"),
    "hugenegative.csv": (text("-1e400,1\n"), r"got -inf at index \(0,\)"),
    "ragged.csv": (text("1,2\n3\n"), r"got row 2 with 1 cell, not 2 \(in file"),
    "missing.csv": (text("1,,2\n"), r"must have no empty rows or cells.*\(in file"),
    "quoted.csv": (text('"1","2"\n'), r"must be made of numbers, symbols .*\(in file"),
    "both.csv": (text("1,5;2,5\n"), "must separate cells by , or by ;, got both"),
    "latin.txt": (raw(b"1 \xe9 2"), "must be UTF-8 text"),
    "code.txt": (text("__import__('os')"), r"must be made of numbers, symbols .*\(in file"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_a_reason(tmp_path: Path, name: str) -> None:
    make, message = REFUSED[name]
    make(tmp_path / name)
    with pytest.raises(KernelError, match=message) as caught:
        kernel(str(tmp_path / name))
    assert "\n" not in str(caught.value)
    assert "allow_pickle" not in str(caught.value)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.npy")
    with pytest.raises(KernelError, match="file must be a file, got no regular file"):
        kernel(tmp_path / "pipe.npy")


def test_other_endings(tmp_path: Path) -> None:
    with pytest.raises(KernelError, match=r"file must end in \.npy, \.npz, \.csv, \.txt, got '.*w\.pt'"):
        kernel(tmp_path / "w.pt")


def test_a_name_too_long_for_the_system() -> None:
    with pytest.raises(KernelError, match=r"file must (be readable, got File name too long|exist)"):
        kernel("x" * 5000 + ".npy")


def test_unreadable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.save(tmp_path / "w.npy", SOBEL)

    def deny(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    # Permission bits do not stop root, who often runs the tests.
    monkeypatch.setattr(np, "load", deny)
    with pytest.raises(KernelError, match=r"file must be readable, got Permission denied for '.*w\.npy'"):
        kernel(tmp_path / "w.npy")


def test_text_of_a_monstrous_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "k.txt").write_text("1 2 1")
    monkeypatch.setattr("convmatrix.kernels.files.MAX_TEXT_BYTES", 3)
    with pytest.raises(KernelError, match="file must have at most 3 bytes of text"):
        kernel(tmp_path / "k.txt")
