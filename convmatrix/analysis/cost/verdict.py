"""`cost` and `compare_costs`: what operators cost, layer by layer."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from convmatrix import exact
from convmatrix.analysis.cost.answer import Cost, CostComparison, CostRow, CostStage
from convmatrix.analysis.cost.counting import checked, counts_of, weights_of
from convmatrix.analysis.cost.steps import steps_in_order
from convmatrix.analysis.cost.wording import layer_text
from convmatrix.analysis.phases import branches_of
from convmatrix.errors import ConvMatrixError
from convmatrix.geometry.arguments import one_of
from convmatrix.operators import TensorOperator
from convmatrix.operators.algebra import Sum
from convmatrix.operators.channels import ChannelOrder, Permutation


def cost(op: Any, *, dtype: Any = "float32") -> Cost:
    """What one application costs: multiplications, additions, weights, bytes, layer by layer.

    Multiplications are counted twice. By the *usual* convention of papers every output position meets every weight, ::

        c_in * c_out / g * prod(k) * prod(floor((i + 2p - d(k - 1) - 1)/s) + 1)

    of a transposed layer `c_in * c_out / g * prod(k) * prod(i)`. *True* ones leave out what meets a zero of the padding
    or is cropped: they are the entries of the layer's matrix, wherever no two taps meet in one entry. Under the other
    padding modes every tap reads a real input, and counts each time.

    An output that sums `n` products takes `n - 1` additions and its bias one more; `additions` counts the products of
    the usual convention, of a transposed layer before it is cropped, `true_additions` the true ones, and an output
    that none reaches takes none, its bias being written. A sum of `b` branches adds `b - 1` an output. A product of
    operators costs what its layers cost. Multiples are free, since a factor belongs into the weight; so are
    permutations and nearest interpolation. An average multiplies once an output, a linear interpolation once an entry
    of its matrix, any other operator once an entry.

    Parameters
    ----------
    op : TensorOperator or sequence of them
        A layer; a product, sum, multiple or transpose of layers; or a list of these in the order they are applied,
        between which other steps may stand (a max-pool, say), so that their shapes need not fit.
    dtype : numpy dtype, default "float32"
        Of the activations.

    Returns
    -------
    Cost
        Weights are not looked at, and nothing is built: sizes of 10**9 cost no more than small ones. NaN and infinite
        weights, which other analyses refuse, cost what numbers cost.

    Raises
    ------
    ConvMatrixError
        If `op` is neither, the list is empty, or the dtype is no number's.

    References
    ----------
    Sze, Chen, Yang, Emer: Efficient processing of deep neural networks, arXiv:1703.09039.

    Examples
    --------
    >>> import numpy as np
    >>> import convmatrix as cm
    >>> found = cm.cost(cm.conv(np.ones((3, 3)), (5, 5), padding=1))
    >>> found.multiplications, found.true_multiplications
    (225, 169)
    >>> found.formula
    c_in*c_out*k**2*(floor((-d*(k - 1) + i + 2*p - 1)/s) + 1)**2/g
    >>> found.formula.subs(found.substitutions)
    225
    """
    itemsize, name = _read_dtype(dtype)
    ops = _read_ops(op)
    stages = [_stage(step, itemsize) for part in ops for step in steps_in_order(part)]
    read = [ops[0], *[part for before, part in pairwise(ops) if part.in_shape != before.out_shape]]
    inputs = sum(math.prod(part.in_shape) for part in read) * itemsize
    return Cost(ops[0].in_shape, ops[-1].out_shape, name, tuple(stages), inputs)


def compare_costs(ops: Any, *, baseline: str | None = None, dtype: Any = "float32") -> CostComparison:
    """What several operators cost, beside each other, as exact shares of the first.

    Parameters
    ----------
    ops : mapping of names to operators, or sequence of operators
        Each a `TensorOperator` or a list of them as `cost` takes it. In a sequence the names are the layers' own.
    baseline : str, optional
        The name of the row to measure by, by default the first.
    dtype : numpy dtype, default "float32"
        Of the activations.

    Returns
    -------
    CostComparison
        It prints as a table. Where shapes differ from those of the baseline it says so. NaN and infinite weights are
        taken, as in `cost`.

    Raises
    ------
    ConvMatrixError
        If there is nothing to compare, a part is no operator, or no row has the baseline's name.

    Examples
    --------
    The 7x7 picture of 3 channels that becomes one of 128:

    >>> import numpy as np
    >>> import convmatrix as cm
    >>> dense = cm.conv(np.ones((128, 3, 3, 3)), (7, 7))
    >>> split = cm.conv(np.ones((128, 3, 1, 1)), (5, 5)) @ cm.conv(np.ones((3, 1, 3, 3)), (7, 7), groups=3)
    >>> found = cm.compare_costs({"dense": dense, "depthwise separable": split})
    >>> found.ratio("depthwise separable")
    Fraction(137, 1152)
    >>> print(found)
    multiplications as shares of 'dense', (3, 7, 7) -> (128, 5, 5)
                           multiplications   ratio    true  additions  parameters  activations
      dense                         86,400       1  86,400     83,200       3,456      13.4 kB
      depthwise separable           10,275  0.1189  10,275      7,000         411      13.7 kB
    """
    named = _named(ops)
    rows = tuple(CostRow(name, cost(op, dtype=dtype)) for name, op in named)
    by = rows[0].name if baseline is None else one_of(baseline, "baseline", [row.name for row in rows])
    found = CostComparison(rows, by)
    first = found[by].cost
    notes = [
        f"{row.name!r} maps {row.cost.in_shape} -> {row.cost.out_shape}, not {first.in_shape} -> {first.out_shape}"
        for row in rows
        if (row.cost.in_shape, row.cost.out_shape) != (first.in_shape, first.out_shape)
    ]
    return CostComparison(rows, by, tuple(notes))


def _stage(step: TensorOperator, itemsize: int) -> CostStage:
    shapes = step.in_shape, step.out_shape
    output = math.prod(step.out_shape)
    if isinstance(step, Sum):
        sums = (len(branches_of(step)) - 1) * output
        return CostStage("sum", *shapes, 0, 0, sums, sums, 0, 0, output * itemsize, step)
    counts = counts_of(step)
    bias = step.bias
    return CostStage(
        layer_text(step),
        *shapes,
        counts.multiplications,
        counts.true_multiplications,
        counts.additions + (0 if bias is None else output),
        counts.true_additions + (0 if bias is None else counts.written),
        weights_of(step),
        0 if bias is None else bias.size,
        0 if _is_identity(step) else output * itemsize,
        step,
    )


def _is_identity(step: TensorOperator) -> bool:
    """Whether the output is the very input: nothing is moved."""
    if not isinstance(step, Permutation) or isinstance(step, ChannelOrder):
        return False
    return step.in_shape == step.out_shape and step._order == tuple(range(len(step._order)))


def _read_ops(op: Any) -> list[TensorOperator]:
    if isinstance(op, (TensorOperator, str)) or not isinstance(op, Iterable):
        return [checked(op)]
    if isinstance(op, Mapping):
        raise ConvMatrixError("op must be an operator or a list of them, got a mapping, which compare_costs takes")
    ops = [checked(part) for part in op]
    if not ops:
        raise ConvMatrixError("op must be at least one operator, got none")
    return ops


def _named(ops: Any) -> Sequence[tuple[str, Any]]:
    """Rows to be, each with a name of its own."""
    if isinstance(ops, Mapping):
        pairs = [(str(name), op) for name, op in ops.items()]
    elif isinstance(ops, (TensorOperator, str)) or not isinstance(ops, Iterable):
        raise ConvMatrixError(f"ops must be a mapping of names to operators, or a sequence, got {type(ops).__name__}")
    else:
        pairs = [(_name_of(op), op) for op in ops]
    if not pairs:
        raise ConvMatrixError("ops must be at least one operator, got none")
    used = [name for name, _ in pairs]
    return [
        (name if used.count(name) == 1 else f"{name} ({place})", op) for place, (name, op) in enumerate(pairs, start=1)
    ]


def _name_of(op: Any) -> str:
    layers = [layer_text(step) for part in _read_ops(op) for step in steps_in_order(part)]
    return layers[0] if len(layers) == 1 else f"{len(layers)} layers"


def _read_dtype(dtype: Any) -> tuple[int, str]:
    read = exact.read_dtype(dtype)
    if read.kind not in "biufc":
        raise ConvMatrixError(f"dtype must be one of numbers, got {read}")
    return read.itemsize, str(read)
