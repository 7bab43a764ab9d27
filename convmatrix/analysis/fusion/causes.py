"""Why borders differ: what layers do there that one convolution does not, in sentences, from their geometry alone."""

from __future__ import annotations

from collections.abc import Iterator

from convmatrix.analysis.fusion import taps
from convmatrix.analysis.fusion.forms import form_of
from convmatrix.analysis.fusion.taps import TapAxis
from convmatrix.operators.algebra import Product, Scaled, Sum, Transposed
from convmatrix.operators.base import TensorOperator
from convmatrix.operators.channels import Permutation
from convmatrix.operators.convolution import Convolution
from convmatrix.operators.resampling import AvgPool

Axes = tuple[TapAxis, ...]


def causes(expression: TensorOperator, is_transposed: bool) -> str:
    """The sentences, each true of the layers; empty where none is known.

    Parameters
    ----------
    expression : TensorOperator
        Layers that are one convolution but for their borders; layers are counted in the order in which they act.
    is_transposed : bool
        Whether that one is a transposed convolution, whose transpose the reasons are looked for in.

    Examples
    --------
    >>> import convmatrix as cm
    >>> blur = cm.conv([1, 2, 1], 8, padding=1)
    >>> causes(blur @ blur, False)
    'layer 2 pads with zeros where the one convolution reads what layer 1 would make there'
    """
    count = sum(1 for _ in layers(expression))
    names = [f"layer {number}" for number in range(1, count + 1)]
    if not is_transposed:
        return "; ".join(dict.fromkeys(_of(expression, names)))
    # The layers of the transpose act in the opposite order.
    found = dict.fromkeys(_of_transposes(expression.T, names[::-1]))
    if not found and any(layer.bias is not None for layer in layers(expression)):
        return "the bias of an earlier layer meets other taps of the later ones at every phase and at the border"
    return "; ".join(found)


def in_words(op: TensorOperator) -> str:
    """The layers in the order in which they act, an arrow in sequence, a plus in parallel.

    Examples
    --------
    >>> import convmatrix as cm
    >>> blur = cm.conv([1, 2, 1], 8, padding=1)
    >>> in_words(blur @ (2 * blur + cm.identity((1, 8))))
    '(2 * [3, padding 1] + [identity]) -> [3, padding 1]'
    """
    if isinstance(op, Product):
        return f"{_grouped(op.right)} -> {_grouped(op.left)}"
    if isinstance(op, Sum):
        return f"{in_words(op.left)} + {in_words(op.right)}"
    if isinstance(op, Scaled):
        return f"{op.factor} * {_grouped(op.of, Product)}"
    if isinstance(op, Transposed) and isinstance(op.of, Convolution):
        return f"[transposed {op.of._label()}]"
    names = {AvgPool: "average of ", Transposed: "transpose "}
    return f"[{names.get(type(op), '')}{op._label() or type(op).__name__}]"


def _grouped(op: TensorOperator, *kinds: type) -> str:
    """In round brackets where it is a sum, or of these kinds."""
    return f"({in_words(op)})" if isinstance(op, (Sum, *kinds)) else in_words(op)


def layers(op: TensorOperator) -> Iterator[TensorOperator]:
    """The layers in the order in which they act."""
    if isinstance(op, Product):
        yield from layers(op.right)
        yield from layers(op.left)
    elif isinstance(op, Sum):
        yield from layers(op.left)
        yield from layers(op.right)
    elif isinstance(op, Scaled):
        yield from layers(op.of)
    else:
        yield op


def _of(op: TensorOperator, names: list[str]) -> Iterator[str]:
    if isinstance(op, Scaled):
        yield from _of(op.of, names)
    elif isinstance(op, Product):
        first, second = _split(op.right, names)
        yield from _of(op.right, first)
        yield from _in_sequence(op, _named(first), _named(second))
        yield from _of(op.left, second)
    elif isinstance(op, Sum):
        first, second = _split(op.left, names)
        yield from _of(op.left, first)
        yield from _of(op.right, second)
        modes = _modes(op.left), _modes(op.right)
        if modes[0] and modes[1] and modes[0] != modes[1]:
            said = sorted(modes[0] | modes[1])
            yield f"the branches pad in different modes ({', '.join(said)}) and one convolution in one"
    elif isinstance(op, AvgPool) and op.divisors.min() != op.divisors.max():
        yield f"{names[0]} averages over fewer entries at the border"


def _in_sequence(op: Product, first: str, second: str) -> Iterator[str]:
    inner, outer, modes = _axes(op.right), _axes(op.left), _modes(op.left)
    if not any(axis.is_padded for axis in outer):
        return
    modes = modes or frozenset({"zeros"})
    if modes != {"zeros"}:
        if any((axis.taps, axis.stride, axis.start) != (1, 1, 0) for axis in inner):
            said = ", ".join(sorted(modes))
            yield f"{second} pads ({said}) what {first} made, and the one convolution what {first} reads"
    elif any(map(_reads_more, inner, outer)):
        yield f"{second} pads with zeros where the one convolution reads what {first} would make there"
    elif any(layer.bias is not None for layer in layers(op.right)):
        yield f"{second} pads with zeros, to which {first} adds no bias"


def _reads_more(inner: TapAxis, outer: TapAxis) -> bool:
    """Whether the first layer, continued beyond its outputs, would read inputs there, on a side that the next pads."""
    before = outer.start < 0 and inner.stop - 1 - inner.stride >= 0
    end = (outer.output_size - 1) * outer.stride + outer.stop > outer.input_size
    return before or (end and inner.output_size * inner.stride + inner.start < inner.input_size)


def _of_transposes(op: TensorOperator, names: list[str]) -> Iterator[str]:
    """The reasons of a transpose, in words for the layers themselves."""
    if isinstance(op, Scaled):
        yield from _of_transposes(op.of, names)
    elif isinstance(op, Product):
        first, second = _split(op.right, names)
        yield from _of_transposes(op.right, first)
        yield from _of_transposes(op.left, second)
        if any(map(_reads_more, _axes(op.right), _axes(op.left))):
            yield f"{_named(second)} crops outputs that the one transposed convolution passes on to {_named(first)}"


def _split(first: TensorOperator, names: list[str]) -> tuple[list[str], list[str]]:
    count = sum(1 for _ in layers(first))
    return names[:count], names[count:]


def _named(names: list[str]) -> str:
    """One layer, or the first and the last of several."""
    if len(names) == 1:
        return names[0]
    numbers = sorted(int(name.rpartition(" ")[2]) for name in names)
    return f"layers {numbers[0]} to {numbers[-1]}"


def _modes(op: TensorOperator) -> frozenset[str]:
    """The padding modes of the layers that read beyond their input."""
    found = [form_of(layer).modes for layer in layers(op) if isinstance(layer, (Convolution, AvgPool, Transposed))]
    return frozenset().union(*found)


def _axes(op: TensorOperator) -> Axes:
    """Where the taps lie, as in the form of the expression, without its weights."""
    if isinstance(op, Product):
        return tuple(map(taps.behind, _axes(op.right), _axes(op.left)))
    if isinstance(op, Sum):
        return tuple(map(taps.beside, range(len(op.in_shape)), _axes(op.left), _axes(op.right)))
    if isinstance(op, Scaled):
        return _axes(op.of)
    if isinstance(op, Permutation):
        return tuple(TapAxis(n, n, 1, 0, 1, 1) for n in op.in_shape[1:])
    return form_of(op).axes
