"""Kernels and weights from files: NumPy's own formats, and numbers in text."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from convmatrix.errors import KernelError
from convmatrix.kernels.arrays import clip, exact_array
from convmatrix.kernels.literal import read_literal

MAX_TEXT_BYTES = 100_000_000

_PREFERRED = ("weight", "kernel")
_MEMBER = re.compile(r"(?P<path>.*\.npz):(?P<member>[^/\\:]+)", re.IGNORECASE | re.DOTALL)
# What NumPy and zipfile raise on files that are cut short, scrambled or not theirs.
_BROKEN = (ValueError, OSError, EOFError, KeyError, MemoryError, NotImplementedError, zipfile.BadZipFile, zlib.error)


def is_file_name(text: str) -> bool:
    """Whether a string is meant as a file: it ends in a known extension, or in `.npz:name`.

    >>> is_file_name("weights.NPY"), is_file_name("layers.npz:conv1"), is_file_name("1 2 1")
    (True, True, False)
    """
    return Path(text).suffix.lower() in _READERS or _MEMBER.fullmatch(text) is not None


def read_file(name: str) -> NDArray[Any]:
    """Array in a file, checked.

    Parameters
    ----------
    name : str
        Path ending in `.npy`, `.npz`, `.csv` or `.txt` in any case; `path.npz:name` picks one array of an archive.

    Returns
    -------
    ndarray
        Of any rank from NumPy's formats: bool and integers become int64 (fractions if uint64 does not fit), float16
        becomes float32, extended precision becomes double, other floats and complex numbers keep their type.
        Text is read as literals are, except that a decimal point marks a measurement: float64, unless a fraction or a
        symbol in the same file asks for exact numbers. Lines end rows, `#` starts a comment; in `.csv` a `;` separates
        cells, in `.txt` rows.

    Raises
    ------
    KernelError
        If the file is missing, unreadable, empty, corrupt or pickled, or holds no array of finite numbers.

    References
    ----------
    The format is NumPy's NEP 1, "A simple file format for NumPy arrays"; pickled objects are never loaded.
    """
    match = _MEMBER.fullmatch(name)
    path, member = (Path(match["path"]), match["member"]) if match else (Path(name), None)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise KernelError(f"kernel file must end in {', '.join(_READERS)}, got {clip(name)}")
    try:
        if not path.exists():
            raise KernelError(f"kernel file must exist, got {clip(name)}")
        if not path.is_file():
            kind = "a directory" if path.is_dir() else "no regular file"
            raise KernelError(f"kernel file must be a file, got {kind}: {clip(name)}")
        if path.stat().st_size == 0:
            raise KernelError(f"kernel file must not be empty, got 0 bytes in {clip(name)}")
        return reader(path, member)
    except OSError as error:
        raise KernelError(f"kernel file must be readable, got {error.strerror or error} for {clip(name)}") from error


def _read_numpy(path: Path, member: str | None) -> NDArray[Any]:
    try:
        # Opened here, as NumPy forgets to close what turns out to be no archive.
        with path.open("rb") as stream:
            loaded = np.load(stream, allow_pickle=False)
            if isinstance(loaded, NpzFile):
                loaded = loaded[_choose(path, loaded.files, member)]
            array = np.asarray(loaded)
    except (KernelError, PermissionError):
        raise
    except _BROKEN as error:
        if "Object arrays" in str(error):
            raise KernelError(f"kernel file must hold numbers, got pickled objects in {clip(str(path))}") from error
        # NumPy's own message suggests allow_pickle=True, which would run code from the file.
        rule = "must be an intact NumPy file; pickled ones are never loaded"
        raise KernelError(f"kernel file {rule}, got {clip(str(path))} ({type(error).__name__})") from error
    return _check(_plain(array, path), path)


def _choose(path: Path, names: list[str], member: str | None) -> str:
    if member is not None and member in names:
        return member
    if member is None:
        wanted = names if len(names) == 1 else [name for name in _PREFERRED if name in names]
        if len(wanted) == 1:
            return wanted[0]
    shown = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
    rule = "must hold one array, or one called weight or kernel (pick with file.npz:name)"
    if member is not None:
        rule = f"must hold an array called {clip(member)}"
    raise KernelError(f"kernel file {rule}, got {shown or 'none'} in {clip(str(path))}")


def _plain(array: NDArray[Any], path: Path) -> NDArray[Any]:
    """The same numbers in a type the operators know."""
    kind, wide = array.dtype.kind, array.dtype.itemsize
    if kind not in "biufc":
        raise KernelError(f"kernel file must hold numbers, got dtype {array.dtype} in {clip(str(path))}")
    if array.ndim == 0 or array.size == 0:
        raise KernelError(f"kernel file must hold an array with entries, got shape {array.shape} in {clip(str(path))}")
    if kind == "u" and int(array.max()) > np.iinfo(np.int64).max:
        return exact_array(array.ravel().tolist(), array.shape)
    targets: dict[str, tuple[str, str]] = {"f": ("f4", "f8"), "c": ("c8", "c16")}
    single, double = targets.get(kind, ("i8", "i8"))
    return np.ascontiguousarray(array, dtype=single if wide <= np.dtype(single).itemsize else double)


def _check(array: NDArray[Any], path: Path) -> NDArray[Any]:
    if array.dtype == object or np.isfinite(array).all():
        return array
    index = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
    raise KernelError(f"kernel file must hold finite numbers, got {array[index]} at index {index} in {clip(str(path))}")


def _read_text(path: Path, member: str | None) -> NDArray[Any]:
    if path.stat().st_size > MAX_TEXT_BYTES:
        raise KernelError(f"kernel file must have at most {MAX_TEXT_BYTES} bytes of text, got {clip(str(path))}")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise KernelError(f"kernel file must be UTF-8 text, got other bytes in {clip(str(path))}") from error
    text = "\n".join(line.partition("#")[0] for line in text.splitlines())
    if path.suffix.lower() == ".csv" and ";" in text:
        if "," in text:
            raise KernelError(f"kernel file must separate cells by , or by ;, got both in {clip(str(path))}")
        text = text.replace(";", ",")
    try:
        literal = read_literal(text, MAX_TEXT_BYTES)
    except KernelError as error:
        raise KernelError(f"{error} (in file {clip(str(path))})") from error
    if not literal.has_decimal or literal.has_fraction or literal.has_symbol:
        return exact_array(literal.cells, literal.shape)
    measured = [_measured(cell) for cell in literal.cells]
    return _check(np.array(measured, dtype=np.float64).reshape(literal.shape), path)


def _measured(cell: Any) -> float:
    try:
        return float(cell)
    except OverflowError:
        return float("inf") if cell > 0 else float("-inf")


_READERS: dict[str, Callable[[Path, str | None], NDArray[Any]]] = {
    ".npy": _read_numpy,
    ".npz": _read_numpy,
    ".csv": _read_text,
    ".txt": _read_text,
}
