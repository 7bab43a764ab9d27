"""Layers typed as words, in the order they are applied: `3:stride=2,padding=1 avg_pool:2 conv_transpose:4,stride=2`.

LAYER   a size (3, 3x5: a convolution), or a name with its value (avg_pool:2), then options: 3:stride=2,padding=1
begin LAYER ... + LAYER ... end   branches side by side, added up; `identity` is a branch that does nothing
times=4 among the options of a layer, or of `begin`, repeats it
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from typing import Any

from convmatrix.cli.parser import unguarded
from convmatrix.cli.stack_layers import KINDS, MAX_LAYERS, READERS, Layer, build_along
from convmatrix.errors import ConvMatrixError
from convmatrix.geometry import arguments
from convmatrix.operators import TensorOperator
from convmatrix.operators.algebra import Product, Sum

STACK_HELP = (
    "a convolution by its kernel size, as in 3 or 3x5, or NAME:VALUE, one of conv, conv_transpose, depthwise, "
    "avg_pool, resize, pixel_shuffle, pixel_unshuffle, channel_shuffle, identity; options behind it, as in "
    "3:stride=2,padding=1,dilation=2,groups=4,channels=64,padding_mode=circular,times=3; "
    "begin LAYER ... + LAYER ... end adds up branches"
)
_BEGIN, _PLUS, _END = "begin", "+", "end"
_LEAST_OUTPUTS, _MOST_OUTPUTS, _LARGEST_MULTIPLE = 4, 64, 1 << 16
_LARGER, _LEAST_TRIES, _MOST_BUILT = (1, 2, 4, 8), 8, 1 << 12
"""By how much a default size may have to grow, and how many are tried: layers that are built for it, and no less."""
_DEEPEST = 50


@dataclass(frozen=True)
class _Block:
    """Branches side by side."""

    place: str
    branches: tuple[tuple[_Item, ...], ...]
    times: int = 1


_Item = Layer | _Block


def read_stack(
    words: Sequence[str],
    dims: int | None = None,
    input_size: Sequence[int] | None = None,
    channels: int = 1,
    *,
    geometry: Mapping[str, Any] | None = None,
) -> list[TensorOperator]:
    """The operators that the words name, in the order they are applied; every weight is the integer 1.

    Parameters
    ----------
    words : sequence of str
        One layer each, or `begin`, `+` and `end` round and between branches, whose sum is one operator.
    dims : int, optional
        Axes of space; by default as many as `input_size`, or else a size such as `3x5`, has; otherwise 1.
    input_size : sequence of int, optional
        Spatial sizes of the first layer's input, one for all axes or one each; by default large enough for outputs that
        no border reaches.
    channels : int, default 1
        Of the first layer's input. A layer without `channels=` writes as many as it reads.
    geometry : mapping, optional
        Options of the command line, by their names in `conv`, for the only layer.

    Returns
    -------
    list of TensorOperator
        The `in_shape` of each is the `out_shape` of the one before. The weights are all views of one number, so that a
        stack of any width takes no memory.

    Raises
    ------
    ConvMatrixError
        If a word cannot be read or a layer does not fit; the message names the word.

    Examples
    --------
    >>> for op in read_stack(["3:padding=1,channels=8", "avg_pool:2", "begin", "3:padding=1", "+", "identity", "end"],
    ...                      input_size=(32, 32), channels=3):
    ...     print(type(op).__name__, op.in_shape, "->", op.out_shape)
    Convolution (3, 32, 32) -> (8, 32, 32)
    AvgPool (8, 32, 32) -> (8, 16, 16)
    Sum (8, 16, 16) -> (8, 16, 16)
    """
    items = _items([unguarded(word).strip() for word in words])
    if geometry:
        items = (_with_options(items[0], geometry),)
    if _count(items) > MAX_LAYERS:
        raise ConvMatrixError(f"LAYER must be given at most {MAX_LAYERS:,} times, got {_count(items):,}")
    axes = _axes(items, dims, input_size)
    size = default_size(items, axes) if input_size is None else tuple(input_size)
    size = size * axes if len(size) == 1 else size
    arguments.integer(channels, "--channels", 1)
    return _built(items, (channels, *arguments.sizes(size, "--input-size")))


# -- reading ----------------------------------------------------------------------------------------------------------


def _items(words: list[str]) -> tuple[_Item, ...]:
    """The layers and blocks of branches, from a list of the blocks that are open."""
    if not words:
        raise ConvMatrixError("LAYER must be given at least once, got none")
    opened: list[tuple[str, int, list[list[_Item]]]] = [("", 1, [[]])]
    for number, word in enumerate(words, 1):
        place = f"LAYER {number} {word!r}"
        head, _, rest = word.partition(":")
        if head == _BEGIN:
            options = _options(place, _BEGIN, rest)
            opened.append((place, options.pop("times", 1), [[]]))
            if len(opened) > _DEEPEST:
                raise ConvMatrixError(f"{place} must open branches within branches at most {_DEEPEST} deep, got more")
        elif word in (_PLUS, _END):
            if len(opened) == 1:
                raise ConvMatrixError(f"{place} must come behind `begin`, got none open")
            if not opened[-1][2][-1]:
                raise ConvMatrixError(
                    f"{place} must come behind a layer (`identity` does nothing), got an empty branch"
                )
            if word == _PLUS:
                opened[-1][2].append([])
                continue
            begun, times, branches = opened.pop()
            opened[-1][2][-1].append(_Block(begun, tuple(map(tuple, branches)), times))
        else:
            opened[-1][2][-1].append(_layer(place, word))
    if len(opened) > 1:
        raise ConvMatrixError(f"{opened[-1][0]} must be closed by `end`, got no such word behind it")
    return tuple(opened[0][2][0])


def _layer(place: str, word: str) -> Layer:
    head, _, rest = word.partition(":")
    if head[:1].isdigit() or head[:1] in ("+", "-"):
        head, rest = "conv", f"{head},{rest}" if rest else head
    if head not in KINDS:
        said = f"{place} must be a size such as 3 or 3x5, or one of {', '.join(KINDS)}, got {head!r}"
        pool = " (a max pool is not linear; avg_pool reads the same inputs)" if head.startswith("max") else ""
        raise ConvMatrixError(said + pool)
    options = _options(place, head, rest)
    value = KINDS[head].value
    if value is not None and value not in options:
        raise ConvMatrixError(f"{place} must have its {value} behind a colon, as in {head}:2, got none")
    return Layer(place, head, options, options.pop("times", 1))


def _with_options(item: _Item, geometry: Mapping[str, Any]) -> Layer:
    """The only layer with options that stand beside it."""
    assert isinstance(item, Layer)
    asked, name = {key: value for key, value in geometry.items() if key != "transpose"}, item.name
    if geometry.get("transpose"):
        if name != "conv":
            raise ConvMatrixError(f"--transpose must come with a size, got {item.place}")
        name = "conv_transpose"
    for key, value in {**item.options, **asked}.items():
        option = f"--{key.replace('_', '-')}" if key in asked else f"{key}="
        if key not in (*KINDS[name].options, KINDS[name].value):
            takers = ", ".join(kind for kind in KINDS if key in KINDS[kind].options)
            raise ConvMatrixError(f"{option} must come with {takers}, got {item.place}, which is {name}")
        if key in asked and key in item.options:
            raise ConvMatrixError(f"{item.place} must give {key} once, got it twice: {option} too")
        if key in ("stride", "dilation", "groups") and min(value if isinstance(value, tuple) else (value,)) < 1:
            raise ConvMatrixError(f"{option} must be at least 1, got {value}")
    return Layer(item.place, name, {**item.options, **asked}, item.times)


def _options(place: str, name: str, text: str) -> dict[str, Any]:
    """What is typed behind the colon; what comes first may be the value, without a name."""
    options: dict[str, Any] = {}
    value = KINDS[name].value if name in KINDS else None
    allowed = (*(KINDS[name].options if name in KINDS else ()), "times")
    for number, part in enumerate(text.split(",") if text else ()):
        key, equals, typed = part.partition("=")
        if not equals and not number and value is not None:
            key, typed = value, part
        if key in options:
            raise ConvMatrixError(f"{place} must give {key} once, got it twice")
        if key not in (value, *allowed) or (not equals and key != value):
            raise ConvMatrixError(f"{place} must have options of {', '.join(allowed)}, each with =, got {part!r}")
        try:
            options[key] = READERS[key](typed)
        except argparse.ArgumentTypeError as error:
            raise ConvMatrixError(f"{place}: {key} {error}") from None
    return options


# -- sizes ------------------------------------------------------------------------------------------------------------


def _axes(items: Sequence[_Item], dims: int | None, input_size: Sequence[int] | None) -> int:
    """Axes of space: all that is given one number an axis must agree."""
    given: dict[str, int] = {}
    if dims is not None:
        given["--dims"] = arguments.integer(dims, "--dims", 1)
    if input_size is not None and len(input_size) > 1:
        given["--input-size"] = len(input_size)
    for layer in _layers(items):
        for name, value in layer.options.items():
            if isinstance(value, tuple):
                given[f"{layer.place}: {name}"] = len(value)
    if len(set(given.values())) > 1:
        (first, one), (second, other) = next(
            (a, b) for a in given.items() for b in given.items() if a[1] < b[1] or b[1] < a[1]
        )
        raise ConvMatrixError(f"{second} must have one number an axis as {first} has, {one}, got {other}")
    return next(iter(given.values()), 1)


def _layers(items: Sequence[_Item]) -> Iterator[Layer]:
    """The layers of all branches, those that are repeated once."""
    for item in items:
        if isinstance(item, Layer):
            yield item
        else:
            for branch in item.branches:
                yield from _layers(branch)


def _count(items: Sequence[_Item]) -> int:
    return sum(item.times * (1 if isinstance(item, Layer) else sum(map(_count, item.branches))) for item in items)


def default_size(items: Sequence[_Item], axes: int) -> tuple[int, ...]:
    """Inputs an axis that fit every layer and leave outputs, the widest ones among them, that no border reaches."""
    return tuple(_fitting(items, axis) for axis in range(axes))


def _fitting(items: Sequence[_Item], axis: int) -> int:
    """The first such size from one on that would do without any padding; that one where none is found soon."""
    ups, downs = Fraction(1), 1
    for layer in _layers(items):
        up, down = KINDS[layer.name].rates(layer, axis)
        ups, downs = ups * up, downs * down
    # Branches that halve and double meet again where the size is a multiple of their steps.
    multiple = downs if downs <= _LARGEST_MULTIPLE else 1
    outputs = min(max(_LEAST_OUTPUTS, 2 * math.ceil(ups)), _MOST_OUTPUTS)
    least = -(-_inputs(items, outputs, axis) // multiple) * multiple
    tries, fits = max(_LEAST_TRIES, _MOST_BUILT // _count(items)), least
    for larger in _LARGER:
        # What a layer must divide, each size or none of so many in a row divides.
        candidates = range(least * larger, least * larger + min(downs, tries))
        size, ops = next(((n, ops) for n in candidates if (ops := _one_axis(items, axis, n))), (least, None))
        if ops is not None and _is_shown(ops):
            return size
        fits = size if fits == least else fits
    return fits


def _one_axis(items: Sequence[_Item], axis: int, size: int) -> list[TensorOperator] | None:
    """The layers along one axis, if they fit so many inputs."""
    try:
        return _built(items, (1, size), lambda layer, shape: build_along(layer, axis, shape))
    except ConvMatrixError:
        return None


def _is_shown(ops: list[TensorOperator]) -> bool:
    """Whether the field of some output that no border reaches is the widest."""
    from convmatrix.analysis.receptive_field import receptive_field

    try:
        return receptive_field(ops).has_interior
    except ConvMatrixError:
        return False


def _inputs(items: Sequence[_Item], outputs: int, axis: int) -> int:
    """How many inputs leave that many outputs without any padding."""
    for item in reversed(items):
        for _ in range(item.times):
            if isinstance(item, _Block):
                outputs = max(_inputs(branch, outputs, axis) for branch in item.branches)
            else:
                outputs = KINDS[item.name].inputs(item, outputs, axis)
    return outputs


# -- building ---------------------------------------------------------------------------------------------------------


def _build(layer: Layer, shape: tuple[int, ...]) -> TensorOperator:
    return KINDS[layer.name].build(layer, shape)


def _built(
    items: Sequence[_Item], shape: tuple[int, ...], build: Callable[[Layer, tuple[int, ...]], TensorOperator] = _build
) -> list[TensorOperator]:
    ops: list[TensorOperator] = []
    for item in items:
        for _ in range(item.times):
            with _named(item.place):
                op = _summed(item, shape, build) if isinstance(item, _Block) else build(item, shape)
            ops.append(op)
            shape = op.out_shape
    return ops


@contextmanager
def _named(place: str) -> Iterator[None]:
    """Say of which word an error is."""
    try:
        yield
    except ConvMatrixError as error:
        said = str(error)
        raise ConvMatrixError(said if said.startswith("LAYER ") else f"{place}: {said}") from None


def _summed(
    block: _Block, shape: tuple[int, ...], build: Callable[[Layer, tuple[int, ...]], TensorOperator]
) -> TensorOperator:
    branches = [
        reduce(lambda inner, layer: Product(layer, inner), _built(branch, shape, build)) for branch in block.branches
    ]
    return reduce(Sum, branches)
