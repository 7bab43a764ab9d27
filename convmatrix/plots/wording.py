"""What a picture says in words: titles, axis labels, the names of blocks in tensor terms."""

from __future__ import annotations

import math
import textwrap
from typing import Any

from convmatrix.operators.algebra import Product, Scaled, Sum, Transposed
from convmatrix.operators.base import TensorOperator
from convmatrix.operators.channels import Permutation
from convmatrix.operators.convolution import Convolution
from convmatrix.operators.resampling import AvgPool, Resize
from convmatrix.plots.style import number

_NAMED = 12
"""Factors or terms that are all named; of more the first and the last."""


def describe(op: TensorOperator) -> str:
    """An operator in a few words.

    >>> import convmatrix as cm
    >>> describe(cm.conv([[1, 2], [3, 4]], (5, 5), stride=2, padding=1))
    '2x2 convolution, stride 2, padding 1'
    """
    if isinstance(op, Transposed):
        return _layer(op.of, "transposed ") if isinstance(op.of, Convolution) else f"transpose of {describe(op.of)}"
    if isinstance(op, (Convolution, AvgPool)):
        return _layer(op, "")
    if isinstance(op, Resize):
        return f"{op.mode} resize by {'x'.join(map(str, op.scales))}"
    if isinstance(op, Permutation):
        return op.name
    if isinstance(op, (Product, Sum)):
        joint = " @ " if isinstance(op, Product) else " + "
        parts = _parts(op)
        shown = parts if len(parts) <= _NAMED else [*parts[: _NAMED // 2], *parts[-_NAMED // 2 :]]
        names = list(map(_short, shown))
        if len(parts) > _NAMED:
            names.insert(_NAMED // 2, f"... ({len(parts):,} in all) ...")
        return joint.join(names)
    if isinstance(op, Scaled):
        return _multiple(op)
    return type(op).__name__


def title(op: TensorOperator, entries: int, width: int) -> str:
    """Kind, sizes and stored entries, broken into lines of about `width` letters."""
    rows, columns = op.shape
    size = f"{rows:,} x {columns:,} matrix, {entries:,} entries stored"
    kind = describe(op)
    whole = f"{kind[:1].upper()}{kind[1:]}: {size}"
    if len(whole) <= width:
        return whole
    return "\n".join(line for part in (whole[: len(kind) + 1], size) for line in textwrap.wrap(part, max(width, 20)))


def axis_names(shape: tuple[int, ...]) -> tuple[str, ...]:
    """Names of a tensor's axes: `c, z, y, x`, the earlier ones numbered beyond three."""
    spatial = len(shape) - 1
    return ("c", *[f"n{axis}" for axis in range(1, spatial - 2)], *("z", "y", "x")[max(3 - spatial, 0) :])


def position_label(side: str, shape: tuple[int, ...]) -> str:
    """The label of a matrix axis: which tensor its positions are."""
    names = axis_names(shape)
    return f"{side} channel c" if len(names) == 1 else f"{side} position, flattened ({', '.join(names)})"


def blocks(shape: tuple[int, ...]) -> tuple[int, int]:
    """Positions in a line (the last axis) and in a channel."""
    return (shape[-1] if len(shape) > 1 else 1), math.prod(shape[1:])


def line_names(shape: tuple[int, ...]) -> list[str]:
    """The name of every line of a tensor: its index on all axes but the last, without what is always 0."""
    names = axis_names(shape)[:-1] if len(shape) > 1 else axis_names(shape)
    sizes = shape[: len(names)]
    texts = [""]
    for place, (name, size) in enumerate(zip(names, sizes, strict=True)):
        if size == 1 and place == 0 and len(names) > 1:
            continue
        texts = [f"{head}, {name}{index}" if head else f"{name}{index}" for head in texts for index in range(size)]
    return texts


def index_text(shape: tuple[int, ...], index: tuple[int, ...]) -> str:
    """One position in words: `c0, y1, x2`."""
    return ", ".join(f"{name}{place}" for name, place in zip(axis_names(shape), index, strict=True))


def _layer(op: Any, kind: str) -> str:
    """A layer's label with its noun put behind the kernel's size."""
    noun = f"{kind}convolution" if isinstance(op, Convolution) else "average pooling"
    size, *rest = op._label().split(", ")
    if size == "fully connected":
        return f"{kind}fully connected layer"
    return ", ".join([f"{size}-tap {noun}" if size.isdigit() else f"{size} {noun}", *rest])


def _short(op: TensorOperator) -> str:
    return f"({describe(op)})" if isinstance(op, (Sum, Scaled)) else describe(op).split(",")[0]


def _parts(op: Product | Sum) -> list[TensorOperator]:
    """The factors of a product of products, or the terms of a sum of sums, as they are written."""
    kind, parts = type(op), []
    todo: list[TensorOperator] = [op]
    while todo:
        part = todo.pop()
        if isinstance(part, kind):
            todo += part.parts[::-1]
        else:
            parts.append(part)
    return parts


def _multiple(op: Scaled) -> str:
    factors, of = [number(op.factor)], op.of
    while isinstance(of, Scaled):
        factors.append(number(of.factor))
        of = of.of
    shown = factors if len(factors) <= _NAMED else [f"{len(factors):,} factors"]
    return f"{' * '.join(shown)} * ({describe(of)})"
