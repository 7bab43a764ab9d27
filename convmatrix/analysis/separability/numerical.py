"""Ranks, terms and singular values in floating point, of kernels brought to size 1 by a power of 2: no rounding."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from convmatrix.errors import ConvMatrixError
from convmatrix.geometry.arguments import integer

_HALF_EPS = {"float16": 2.0**-10, "bfloat16": 2.0**-7}


def default_tol(shape: tuple[int, ...], dtype: Any) -> float:
    """`max(shape) * eps` of the float type whose rounding the entries carry; exact entries are rounded to double."""
    kind = np.dtype(dtype) if not isinstance(dtype, str) else None
    if kind is None:
        eps = _HALF_EPS[dtype]
    else:
        eps = float(np.finfo(kind).eps) if kind.kind in "fc" else float(np.finfo(float).eps)
    return max(shape[-2:]) * eps


def entry_type(values: Any, array: np.ndarray) -> Any:
    """The type whose rounding the entries carry: half precision, which is held as float32, by its name."""
    name = str(getattr(values, "dtype", "")).removeprefix("torch.")
    return name if name in _HALF_EPS and array.dtype == np.float32 else array.dtype


def normalised(kernel: np.ndarray) -> tuple[np.ndarray, int]:
    """`(array, e)` in double precision with `kernel == array * 2**e`, the largest magnitude between 1/2 and 2."""
    if kernel.dtype.kind in "iO":
        largest = max((abs(Fraction(value)) for value in kernel.ravel().tolist()), default=Fraction(0))
        exponent = largest.numerator.bit_length() - largest.denominator.bit_length() if largest else 0
        shift = Fraction(2) ** -exponent
        flat = [float(Fraction(value) * shift) for value in kernel.ravel().tolist()]
        return np.array(flat).reshape(kernel.shape), exponent
    parts = kernel.view(kernel.real.dtype) if kernel.flags.c_contiguous else np.stack([kernel.real, kernel.imag])
    _, exponent = math.frexp(float(np.abs(parts).max(initial=0)))
    return times_power(kernel, -exponent), exponent


def times_power(array: np.ndarray, exponent: Any) -> np.ndarray:
    """`array * 2**exponent` in double precision; in two steps, as 2**exponent itself may not be a double."""
    half = np.asarray(exponent) // 2
    with np.errstate(under="ignore", over="ignore"):
        if array.dtype.kind == "c":
            wide = array.astype(np.complex128)
            return wide * np.ldexp(1.0, half) * np.ldexp(1.0, exponent - half)
        return np.ldexp(np.ldexp(array.astype(np.float64), half), exponent - half)


def count_above(values: np.ndarray, tol: float) -> np.ndarray:
    """How many singular values of each kernel exceed `tol` times its largest."""
    return np.asarray((values > tol * values[..., :1]).sum(axis=-1))


def decomposition(kernel: np.ndarray) -> tuple[np.ndarray, list[tuple[float, np.ndarray, np.ndarray]]]:
    """The singular values at size 1, where none has underflowed, and all triples.

    There are `min(shape)` triples `(sigma, u, row)` with `kernel == sum of sigma * u row^T`. The largest entry of each
    u is real and positive, the first where several are as large.

    Raises
    ------
    ConvMatrixError
        If the largest singular value does not fit a float64.
    """
    array, exponent = normalised(kernel)
    left, values, right = np.linalg.svd(array, full_matrices=False)
    sigmas = fitting(values, exponent)
    triples = []
    for sigma, u, row in zip(sigmas.tolist(), left.T, right, strict=True):
        sizes = np.abs(u)
        lead = u[np.argmax(sizes >= sizes.max() * (1 - 1e-9))]
        phase = lead / abs(lead)
        triples.append((sigma, u * np.conj(phase), row * phase))
    return values, triples


def fitting(values: np.ndarray, exponent: Any) -> np.ndarray:
    """Values times a power of 2, refused where that is more than a float64 holds."""
    full = times_power(values, exponent)
    if not np.isfinite(full).all():
        power = math.floor((math.log2(float(values.max())) + int(np.max(exponent))) * math.log10(2))
        raise ConvMatrixError(f"kernel's largest singular value must fit a float64, got about 1e{power}")
    return full


def restored(array: np.ndarray, exponent: Any, dtype: Any) -> np.ndarray:
    """An approximation at the kernel's own size and, for floats, in its own type."""
    full = times_power(array, exponent)
    with np.errstate(over="ignore", under="ignore"):
        own = full.astype(dtype) if np.dtype(dtype).kind in "fc" else full
    if not np.isfinite(own).all():
        raise ConvMatrixError(f"kernel's approximation must fit a {own.dtype}, got entries beyond it")
    return own


def tail_norm(values: np.ndarray, r: int, norm: str) -> np.ndarray:
    """Eckart and Young's error of the best rank r, from descending singular values along the last axis."""
    if r >= values.shape[-1]:
        return np.zeros(values.shape[:-1])
    if norm == "spectral":
        return np.asarray(values[..., r])
    largest = values[..., r : r + 1]
    with np.errstate(under="ignore", over="ignore"):
        share = np.divide(values[..., r:], largest, out=np.zeros_like(values[..., r:]), where=largest > 0)
        norms = np.asarray(largest[..., 0] * np.sqrt((share * share).sum(axis=-1)))
    if not np.isfinite(norms).all():
        raise ConvMatrixError(f"kernel's error must fit a float64, got more for rank {r}")
    return norms


def check_rank(r: Any, most: int) -> int:
    """The rank of an approximation, from 0 to `min(shape)`."""
    number = integer(r, "r", 0)
    if number > most:
        raise ConvMatrixError(f"r must be at most {most}, the smaller of the kernel's sizes, got {number}")
    return number


def check_norm(norm: Any) -> str:
    """`"fro"` or `"spectral"`, which also is called 2.

    >>> check_norm(2)
    'spectral'
    """
    if isinstance(norm, str) and norm in ("fro", "spectral"):
        return norm
    if not isinstance(norm, (bool, str)) and np.ndim(norm) == 0 and norm == 2:
        return "spectral"
    raise ConvMatrixError(f"norm must be 'fro', 'spectral' or 2, got {norm!r}")
