"""Everything that leaves the program: text, JSON, and files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from convmatrix.errors import ConvMatrixError, SymbolicError, readable_bytes
from convmatrix.exact import as_numbers
from convmatrix.memory import check_size
from convmatrix.operators import TensorOperator

SCHEMA_VERSION = 1
MATRIX_SUFFIXES = (".npz", ".mtx", ".npy", ".csv", ".tex")
PICTURE_SUFFIXES = (".png", ".svg", ".pdf")

MAX_LATEX = 100
"""Rows and columns up to which LaTeX is written: beyond, no page holds it."""
MAX_TEXT_CELLS = 25_000_000
_COMPRESSED = 200_000_000
"""Bytes up to which an archive is compressed; larger ones would take minutes."""


def one_line(message: object) -> str:
    r"""A message on one line, whatever it quotes.

    >>> one_line("first\n  second")
    'first second'
    """
    return " ".join(str(message).split()) or "not enough memory"


def show(text: str) -> None:
    """Print to stdout, characters it cannot write as escapes."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding))


def as_json(command: str, content: dict[str, Any]) -> str:
    """The one document of a `--json` run.

    Raises
    ------
    ConvMatrixError
        If a number is NaN or infinite, which JSON cannot say.
    """
    document = {"schema_version": SCHEMA_VERSION, "command": command, **content}
    try:
        return json.dumps(document, indent=2, allow_nan=False)
    except ValueError:
        raise ConvMatrixError("--json must be of finite numbers, got NaN or infinity among the results") from None


def remark(text: str) -> None:
    """Print to stderr, beside the result."""
    print(text, file=sys.stderr)


@contextlib.contextmanager
def working(what: str) -> Iterator[None]:
    """Say on a terminal what is being done, and wipe it away after."""
    if not sys.stderr.isatty():
        yield
        return
    print(f"{what} ...", end="", file=sys.stderr, flush=True)
    try:
        yield
    finally:
        print("\r" + " " * (len(what) + 4) + "\r", end="", file=sys.stderr, flush=True)


def target(name: str, option: str, suffixes: tuple[str, ...], inputs: tuple[str | None, ...] = ()) -> Path:
    """Where an option's file will be, checked before any work: known suffix, a folder that can be written.

    Parameters
    ----------
    name, option : str
        The path as typed, and the option it was typed for.
    suffixes : tuple of str
        Those the option writes.
    inputs : tuple of str or None
        Files that are read, which must not be written over.

    Raises
    ------
    ConvMatrixError
        If no such file can be written.
    """
    path = Path(os.path.realpath(name))
    if Path(name).suffix.lower() not in suffixes:
        raise ConvMatrixError(f"{option} must end in {', '.join(suffixes)}, got {name!r}")
    if path.exists() and not path.is_file():
        raise ConvMatrixError(f"{option} must be a regular file, got {name!r}")
    if not path.parent.is_dir():
        raise ConvMatrixError(f"{option} must be in a folder that exists, got {name!r}")
    if not os.access(path.parent, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
        raise ConvMatrixError(f"{option} must be writable, got {name!r}")
    if any(given is not None and Path(os.path.realpath(given)) == path for given in inputs):
        raise ConvMatrixError(f"{option} must not be a file that is read, got {name!r}")
    return path


@dataclass(frozen=True)
class Output:
    """A file to be written.

    Attributes
    ----------
    path : Path
        Where.
    typed : str
        The same as the user wrote it, for messages.
    write : callable
        Writes it.
    """

    path: Path
    typed: str
    write: Callable[[IO[bytes]], None]


def write_all(outputs: Sequence[Output]) -> None:
    """Write files that appear complete or not at all, none of them before all are complete.

    Raises
    ------
    ConvMatrixError
        If one cannot be written.
    """
    with contextlib.ExitStack() as stack:
        parts = [stack.enter_context(_part(output)) for output in outputs]
        for output, part in zip(outputs, parts, strict=True):
            with _named(output):
                part.replace(output.path)


@contextlib.contextmanager
def _part(output: Output) -> Iterator[Path]:
    """The complete file under a name of its own, beside where it belongs."""
    path = output.path
    with _named(output):
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o666 & ~_umask()
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem[:40]}-", suffix=".part")
    try:
        with _named(output):
            with os.fdopen(handle, "wb") as file:
                output.write(file)
            Path(temporary).chmod(mode)
        yield Path(temporary)
    finally:
        Path(temporary).unlink(missing_ok=True)


@contextlib.contextmanager
def _named(output: Output) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConvMatrixError(f"{output.typed} must be writable, got {error.strerror or error}") from error


def picture_writer(result: Any, path: Path, typed: str) -> Callable[[IO[bytes]], None]:
    """What writes the picture of an analysis's result, in the format of the path's suffix."""

    def draw() -> Any:
        from convmatrix.plots import plot

        return plot(result)

    def write(file: IO[bytes]) -> None:
        from convmatrix.plots.saving import save

        with working(f"drawing {typed}"):
            save(draw, file, path.suffix.lower())

    return write


def check_matrix(op: TensorOperator, path: Path, option: str = "-o") -> None:
    """Refuse a matrix that cannot be written, before anything is built.

    Raises
    ------
    SymbolicError
        For symbols anywhere but in `.tex`.
    MatrixTooLargeError
        If the matrix would not fit into memory.
    ConvMatrixError
        If LaTeX or text of it would be of no use.
    """
    rows, columns = op.shape
    size = f"{rows} x {columns}"
    suffix = path.suffix.lower()
    if suffix == ".tex":
        if max(rows, columns) > MAX_LATEX:
            raise ConvMatrixError(
                f"{option} with .tex must be for at most {MAX_LATEX} rows and columns, got {size}: use .npz or .mtx"
            )
        return
    dtype = _dtype(op)
    itemsize = (np.dtype(float) if dtype is None else dtype).itemsize
    needed = op.nbytes("csr", dtype)
    if suffix in (".npy", ".csv"):
        needed += rows * columns * itemsize
    if suffix == ".mtx":
        needed += op.nbytes("coo", dtype)
    check_size(f"the {size} matrix for {option} {path.name}", needed)
    if suffix == ".csv" and rows * columns > MAX_TEXT_CELLS:
        raise ConvMatrixError(
            f"{option} with .csv must be for at most {MAX_TEXT_CELLS} cells, got {size} "
            f"({readable_bytes(rows * columns * itemsize)} dense): use .npz or .mtx"
        )


def write_matrix(op: TensorOperator, file: IO[bytes], suffix: str) -> None:
    """Write the matrix as the suffix says; `check_matrix` has been asked before."""
    _WRITERS[suffix.lower()](op, file)


def _dtype(op: TensorOperator) -> np.dtype[Any] | None:
    """None keeps the entries as they are; fractions become floats, symbols raise."""
    if op.dtype != object:
        return None
    try:
        as_numbers(getattr(op, "weight", np.zeros(0)), float)
    except SymbolicError as error:
        raise SymbolicError(f"{error}; -o FILE.tex writes that") from None
    return np.dtype(float)


def becomes_float(op: TensorOperator, path: Path) -> bool:
    """Whether writing makes floats of exact fractions."""
    return op.dtype == object and path.suffix.lower() != ".tex"


def _write_npz(op: TensorOperator, file: IO[bytes]) -> None:
    from scipy.sparse import save_npz

    matrix = op.tosparse(dtype=_dtype(op))
    save_npz(file, matrix, compressed=op.nbytes() <= _COMPRESSED)


def _write_mtx(op: TensorOperator, file: IO[bytes]) -> None:
    from scipy.io import mmwrite

    mmwrite(file, op.tosparse("coo", dtype=_dtype(op)), symmetry="general")


def _write_npy(op: TensorOperator, file: IO[bytes]) -> None:
    np.save(file, op.toarray(dtype=_dtype(op)), allow_pickle=False)


def _write_csv(op: TensorOperator, file: IO[bytes]) -> None:
    dense = op.toarray(dtype=_dtype(op))
    for row in dense:
        file.write((",".join(map(repr, row.tolist())) + "\n").encode())


def _write_tex(op: TensorOperator, file: IO[bytes]) -> None:
    import sympy

    file.write((sympy.latex(op.tosympy()) + "\n").encode())


_WRITERS: dict[str, Callable[[TensorOperator, IO[bytes]], None]] = {
    ".npz": _write_npz,
    ".mtx": _write_mtx,
    ".npy": _write_npy,
    ".csv": _write_csv,
    ".tex": _write_tex,
}


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
