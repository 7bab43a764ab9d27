"""Layers for the tests of remedies, in every kind of number, and what is seen of their answers."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

import convmatrix as cm
from convmatrix.analysis.phases import interior

Op = cm.TensorOperator


def ints(*shape: int) -> np.ndarray:
    """Small integers without a pattern."""
    return (np.arange(math.prod(shape)) * 29 + 11).reshape(shape) % 23 - 9


def fractions(*shape: int) -> np.ndarray:
    return ints(*shape).astype(object) * Fraction(1, 7)


def floats(*shape: int) -> np.ndarray:
    return np.sin(np.arange(1, 1 + math.prod(shape)) ** 2).reshape(shape)


def singles(*shape: int) -> np.ndarray:
    return floats(*shape).astype(np.float32)


def complexes(*shape: int) -> np.ndarray:
    return floats(*shape) + 1j * floats(*shape)[::-1]


NUMBERS = (ints, fractions, floats, singles, complexes)
# Shape of the weight, input size, options.
TRANSPOSED: list[tuple[tuple[int, ...], Any, dict[str, Any]]] = [
    ((1, 1, 3), 9, {"stride": 2}),
    ((2, 3, 5), 8, {"stride": 3, "padding": 2, "output_padding": 1}),
    ((4, 1, 3), 12, {"stride": 3, "dilation": 2, "groups": 2}),
    ((2, 1, 3), 12, {"stride": 2, "dilation": 2}),
    ((1, 2, 2), 10, {"stride": 3}),
    ((1, 2, 1), 10, {"stride": 2, "padding": ((0, 1),)}),
    ((2, 2, 3, 3), (6, 7), {"stride": 2, "padding": 1, "output_padding": 1}),
    ((1, 2, 4, 3), (5, 7), {"stride": (2, 1)}),
    ((2, 1, 4, 5), (8, 9), {"stride": (2, 3), "padding": ((1, 2), (3, 0)), "dilation": (1, 2)}),
    ((2, 1, 3, 2, 3), (6, 5, 7), {"stride": (2, 2, 1), "padding": (1, 0, 1), "groups": 2}),
]


def transposed(case: tuple[tuple[int, ...], Any, dict[str, Any]], numbers: Callable[..., np.ndarray]) -> Any:
    shape, size, options = case
    outputs = shape[1] * options.get("groups", 1)
    return cm.conv_transpose(numbers(*shape), size, **options, bias=numbers(outputs))


def gradient(shape: tuple[int, ...], size: Any, numbers: Callable[..., np.ndarray], **options: Any) -> Op:
    return cm.conv(numbers(*shape), size, **options).T


def subpixel(shape: tuple[int, ...], size: tuple[int, ...], factor: Any, numbers: Any, **options: Any) -> Op:
    layer = cm.conv(numbers(*shape), size, bias=numbers(shape[0]), **options)
    return cm.pixel_shuffle(layer.out_shape, factor) @ layer


def stack(first: Op, *others: Callable[[Op], Op]) -> Op:
    for other in others:
        first = other(first) @ first
    return first


def up(shape: tuple[int, ...], numbers: Any = floats, **options: Any) -> Callable[[Op], Op]:
    return lambda before: cm.conv_transpose(numbers(*shape), before.out_shape[1:], **options)


def operators() -> dict[str, Op]:
    """Every kind, by a name made from its data."""
    found: dict[str, Op] = {}
    for number, case in enumerate(TRANSPOSED):
        numbers = NUMBERS[number % len(NUMBERS)]
        found[f"transposed {case[0]} {case[2]} {numbers.__name__}"] = transposed(case, numbers)
    for mode, size, numbers in (("zeros", (11, 11), floats), ("circular", (10, 12), ints), ("reflect", (12, 11), ints)):
        found[f"gradient {mode}"] = gradient((3, 2, 3, 3), size, numbers, stride=2, padding=1, padding_mode=mode)
    found["gradient, taps beyond the stride"] = gradient((2, 1, 2), 37, fractions, stride=4, dilation=3)
    found["sub-pixel 1-D"] = subpixel((6, 2, 3), (9,), 3, ints, padding=1)
    found["sub-pixel, even kernel"] = subpixel((8, 3, 2, 4), (7, 7), 2, floats, padding=((0, 1), (1, 2)))
    found["sub-pixel, circular"] = subpixel((6, 1, 3, 3), (6, 6), (2, 3), fractions, padding=1, padding_mode="circular")
    found["sub-pixel, groups"] = subpixel((8, 1, 3, 3), (7, 7), 2, floats, padding=1, groups=2)
    found["sub-pixel, groups across"] = subpixel((4, 1, 3, 3), (7, 7), 2, floats, padding=1, groups=4)
    found["sub-pixel, stride"] = subpixel((4, 2, 3, 3), (13, 13), 2, singles, stride=2)
    first = transposed(TRANSPOSED[0], ints)
    found["two layers"] = stack(first, up((1, 2, 4), ints, stride=3))
    found["conv behind"] = stack(
        transposed(TRANSPOSED[1], floats), lambda op: cm.conv(floats(2, 3, 3), op.out_shape[1])
    )
    found["down 2, up 3"] = stack(cm.conv(floats(2, 1, 3), 33, stride=2), up((2, 1, 3), stride=3))
    found["multiple"] = 3 * first
    found["resize, then conv"] = stack(
        cm.resize((1, 12), Fraction(3, 2)), lambda op: cm.conv(ints(1, 1, 3), op.out_shape[1])
    )
    return found


OPERATORS = operators()
FOUND: dict[str, cm.Remedies] = {}


def found_of(name: str) -> cm.Remedies:
    """The table, made once."""
    if name not in FOUND:
        FOUND[name] = cm.remedies(OPERATORS[name])
    return FOUND[name]


def answers(op: Op) -> list[np.ndarray]:
    """The interior of the answer to 1 in one channel after another, and of what the bias adds, as floats."""
    inside = interior(op).slices
    assert inside is not None
    constants = [np.zeros(op.in_shape, dtype=np.int64) for _ in range(op.in_shape[0])]
    for channel, constant in enumerate(constants):
        constant[channel] = 1
    found = [op(constant) for constant in constants]
    if op.bias is not None:
        found.append(np.broadcast_to(op.bias, op.out_shape))
    kind = complex if op.dtype.kind == "c" else float
    return [answer[(slice(None), *inside)].astype(kind) for answer in found]


def ripple(values: np.ndarray) -> float:
    flat = values.reshape(values.shape[0], -1)
    return float(np.abs(flat - flat[:, :1]).max())
