"""The spellings of PyTorch, NumPy and TensorFlow for a layer's arguments, brought to one plain value an axis."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from convmatrix.errors import ConvMatrixError

PADDING_NAMES = ("valid", "full", "same", "same_lower")


def integer(value: Any, name: str, least: int, where: str = "") -> int:
    """`value` as a plain int of at least `least`; booleans and floats are not integers here."""
    if type(value) is int and value >= least:
        return value
    try:
        if isinstance(value, bool):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise ConvMatrixError(f"{name} must be an integer of at least {least}, got {value!r}{where}") from None
    if number < least:
        raise ConvMatrixError(f"{name} must be at least {least}, got {number}{where}")
    return number


def per_axis(value: Any, name: str, axes: int, least: int) -> tuple[int, ...]:
    """One integer an axis, from one for all or a sequence of them."""
    if type(value) is int:
        if value < least and axes:
            raise ConvMatrixError(f"{name} must be at least {least}, got {value} on axis 0")
        return (value,) * axes
    if not _is_sequence(value):
        return (integer(value, name, least),) * axes
    entries = list(value)
    if len(entries) != axes:
        raise ConvMatrixError(f"{name} must be one integer or one for each of the {axes} axes, got {value!r}")
    return tuple(integer(entry, name, least, f" on axis {axis}") for axis, entry in enumerate(entries))


def sizes(value: Any, name: str = "input_size") -> tuple[int, ...]:
    """Spatial sizes as a tuple; a bare integer is one axis."""
    if not _is_sequence(value):
        return (integer(value, name, 1),)
    return tuple(integer(entry, name, 1, f" on axis {axis}") for axis, entry in enumerate(value))


def tensor_shape(value: Any, name: str = "shape") -> tuple[int, ...]:
    """A tensor shape `(channels, *spatial)`; a bare integer is channels alone."""
    shape = sizes(value, name)
    if not shape:
        raise ConvMatrixError(f"{name} must be (channels, *spatial), got ()")
    return shape


def padding_pairs(value: Any, axes: int) -> tuple[tuple[int, int], ...]:
    """`(before, after)` an axis, from an int, one int an axis or one pair an axis."""
    rule = "padding must be at least 0 on every side"
    if isinstance(value, str):
        raise ConvMatrixError(
            f"padding must be an int, one int an axis or one (before, after) pair an axis, got {value!r}"
        )
    if not _is_sequence(value):
        side = _side(value, rule, "")
        return ((side, side),) * axes
    entries = list(value)
    if len(entries) != axes:
        raise ConvMatrixError(
            f"padding must be an int, one int an axis or one (before, after) pair an axis, for {axes} axes, "
            f"got {value!r}"
        )
    pairs = []
    for axis, entry in enumerate(entries):
        both = list(entry) if _is_sequence(entry) else [entry, entry]
        if len(both) != 2:
            raise ConvMatrixError(f"padding must be one (before, after) pair an axis, got {entry!r} on axis {axis}")
        before, after = (_side(side, rule, f" on axis {axis}") for side in both)
        pairs.append((before, after))
    return tuple(pairs)


def named_padding(name: str, input_size: int, extent: int, stride: int) -> tuple[int, int]:
    """The pair behind "valid", "full", "same" (odd pad after) and "same_lower" (odd pad before) on one axis."""
    if name == "valid":
        return 0, 0
    if name == "full":
        return extent - 1, extent - 1
    total = max((-(-input_size // stride) - 1) * stride + extent - input_size, 0)
    small, large = total // 2, total - total // 2
    return (small, large) if name == "same" else (large, small)


def one_of(value: Any, name: str, allowed: Iterable[str]) -> str:
    """`value` if it is one of the names allowed."""
    allowed = tuple(allowed)
    if not isinstance(value, str) or value not in allowed:
        raise ConvMatrixError(f"{name} must be one of {', '.join(map(repr, allowed))}, got {value!r}")
    return value


def generator(rng: Any) -> np.random.Generator:
    """What `numpy.random.default_rng` makes of `rng`; of None, from 0, so that answers repeat."""
    try:
        return np.random.default_rng(0 if rng is None else rng)
    except (TypeError, ValueError):
        raise ConvMatrixError(f"rng must be what numpy.random.default_rng takes, got {rng!r}") from None


def _side(value: Any, rule: str, where: str) -> int:
    if type(value) is int and value >= 0:
        return value
    try:
        if isinstance(value, bool):
            raise TypeError
        side = operator.index(value)
    except TypeError:
        raise ConvMatrixError(f"padding must be made of integers, got {value!r}{where}") from None
    if side < 0:
        raise ConvMatrixError(f"{rule}, got {side}{where}")
    return side


def _is_sequence(value: Any) -> bool:
    if isinstance(value, str):
        return False
    if isinstance(value, Sequence):
        return True
    return hasattr(value, "__len__") and hasattr(value, "__getitem__") and getattr(value, "ndim", 1) > 0
