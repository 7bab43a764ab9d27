"""Weights written to files that `kernel` reads again."""

from __future__ import annotations

import math
from typing import IO, Any

import numpy as np

from convmatrix import exact
from convmatrix.errors import ConvMatrixError
from convmatrix.kernels.literal import read_literal

WEIGHT_SUFFIXES = (".npy", ".npz", ".csv", ".txt")


def check_weight(weight: np.ndarray, suffix: str) -> None:
    """Refuse a weight that the file would not hold, before anything is computed.

    Raises
    ------
    ConvMatrixError
        If symbols are to go into NumPy's formats, or numbers into text that would be read as others.
    """
    if suffix in (".npy", ".npz"):
        if exact.is_symbolic(weight):
            raise ConvMatrixError(f"-o must end in .csv, .txt for a weight with symbols, got {suffix}")
    elif weight.dtype.kind == "c":
        raise ConvMatrixError(f"-o must end in .npy, .npz for a complex weight, got {suffix}")
    elif weight.dtype.kind == "f" and weight.dtype.itemsize != np.dtype(float).itemsize:
        # Text is read as float64, by whose rounding gains that are even in float32 are not.
        raise ConvMatrixError(f"-o must end in .npy, .npz for a {weight.dtype} weight, got {suffix}")


def becomes_floats(weight: np.ndarray, suffix: str) -> bool:
    """Whether writing makes floats of exact fractions."""
    return suffix in (".npy", ".npz") and _stored(weight).dtype.kind == "f" and weight.dtype == object


def write_weight(weight: np.ndarray, file: IO[bytes], suffix: str) -> None:
    """Write the weight as the suffix says; in text exactly, as a table or, of other than two axes, in brackets.

    Raises
    ------
    ConvMatrixError
        If fractions are too large for a float64, or an entry is more than text files hold.
    """
    if suffix == ".npy":
        np.save(file, _stored(weight), allow_pickle=False)
    elif suffix == ".npz":
        np.savez(file, weight=_stored(weight))
    else:
        written = _as_text(weight, "," if suffix == ".csv" else " ")
        _check_readable(written, weight)
        file.write(written.encode())


def _stored(weight: np.ndarray) -> np.ndarray:
    """The weight as NumPy keeps it: whole numbers as int64, fractions as float64, floats as they are."""
    if weight.dtype != object:
        return weight
    numbers = weight.reshape(-1).tolist()
    if all(number == math.floor(number) and abs(number) < 2**63 for number in numbers):
        return np.array([int(number) for number in numbers], dtype=np.int64).reshape(weight.shape)
    return exact.as_numbers(weight, float)


def _as_text(weight: np.ndarray, separator: str) -> str:
    """Rows of cells where the reader gives them the same axes, nested brackets otherwise."""
    if weight.ndim == 1 or (weight.ndim == 2 and len(weight) > 1):
        rows = np.atleast_2d(weight).tolist()
        return "".join(f"{separator.join(map(_cell, row))}\n" for row in rows)
    return f"{_bracketed(weight.tolist())}\n"


def _bracketed(rows: Any) -> str:
    if not isinstance(rows, list):
        return _cell(rows)
    # A long weight has no line of a million characters.
    return f"[{(',' if not isinstance(rows[0], list) else ',' + chr(10)).join(map(_bracketed, rows))}]"


def _cell(value: Any) -> str:
    """One number as a literal's cell: no blanks; a float with all its digits."""
    return repr(value) if isinstance(value, float) else str(value).replace(" ", "")


def _check_readable(written: str, weight: np.ndarray) -> None:
    """Symbols may have been multiplied into powers, which literals have not."""
    if not exact.is_symbolic(weight):
        return
    try:
        again = read_literal(written)
    except ConvMatrixError as error:
        raise ConvMatrixError(f"-o must be for a weight that a literal can hold, got one where {error}") from None
    if any(left - right != 0 for left, right in zip(again.cells, weight.reshape(-1).tolist(), strict=True)):
        raise ConvMatrixError("-o must be for a weight that a literal can hold, got one that reads differently")
