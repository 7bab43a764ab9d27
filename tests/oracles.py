"""The slow, readable twin of the package: every matrix entry by entry, straight from the definition.

Nothing here uses the package's own geometry. Border rules come from `numpy.pad` applied to the positions themselves.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from scipy.sparse import coo_array, csc_array, csr_array

NUMPY_MODES = {"circular": "wrap", "reflect": "reflect", "replicate": "edge", "symmetric": "symmetric"}
PADDING_MODES = ("zeros", *NUMPY_MODES)

Pairs = Sequence[tuple[int, int]]


def padded_positions(size: int, pads: tuple[int, int], mode: str) -> np.ndarray:
    """The input position at each position of the padded axis, -1 for a zero; negative pads cut positions away."""
    before, after = pads
    added = (max(before, 0), max(after, 0))
    if mode == "zeros":
        padded = np.pad(np.arange(size), added, constant_values=-1)
    else:
        padded = np.pad(np.arange(size), added, mode=NUMPY_MODES[mode])  # type: ignore[call-overload]
    return np.asarray(padded[max(-before, 0) : padded.size - max(-after, 0)])


def reads(
    size: int, taps: int, stride: int = 1, pads: tuple[int, int] = (0, 0), dilation: int = 1, mode: str = "zeros"
) -> list[list[int]]:
    """Which input each tap of each output reads, as the window slides; -1 for a zero of the padding."""
    padded = padded_positions(size, pads, mode).tolist()
    extent = dilation * (taps - 1) + 1
    starts = range(0, len(padded) - extent + 1, stride)
    return [[padded[start + dilation * tap] for tap in range(taps)] for start in starts]


def contributions(
    weight: np.ndarray, size: Sequence[int], stride: Sequence[int], pads: Pairs, dilation: Sequence[int],
    groups: int = 1, mode: str = "zeros",
) -> Iterator[tuple[int, int, Any]]:  # fmt: skip
    """`(row, column, tap)` of every product a convolution adds up, the weight `(c_out, c_in/groups, *kernel)`."""
    c_out, per_group, *kernel = weight.shape
    tables = [reads(n, k, s, p, d, mode) for n, k, s, p, d in zip(size, kernel, stride, pads, dilation, strict=True)]
    outputs = [len(table) for table in tables]
    for co, ci in itertools.product(range(c_out), range(per_group)):
        channel = co // (c_out // groups) * per_group + ci
        for place, output in enumerate(itertools.product(*map(range, outputs))):
            for tap in itertools.product(*map(range, kernel)):
                inputs = [table[o][t] for table, o, t in zip(tables, output, tap, strict=True)]
                if min(inputs, default=0) >= 0:
                    column = channel
                    for position, n in zip(inputs, size, strict=True):
                        column = column * n + position
                    yield co * math.prod(outputs) + place, column, weight[(co, ci, *tap)]


def output_size(
    kernel: Sequence[int], size: Sequence[int], stride: Sequence[int], pads: Pairs, dilation: Sequence[int]
) -> tuple[int, ...]:
    """How many times the window fits on each axis, by counting."""
    arguments = zip(size, kernel, stride, pads, dilation, strict=True)
    return tuple(len(reads(n, k, s, p, d)) for n, k, s, p, d in arguments)


def dense(
    weight: np.ndarray, size: Sequence[int], stride: Sequence[int], pads: Pairs, dilation: Sequence[int],
    groups: int = 1, mode: str = "zeros",
) -> np.ndarray:  # fmt: skip
    """The matrix of a convolution, one product at a time."""
    rows = weight.shape[0] * math.prod(output_size(weight.shape[2:], size, stride, pads, dilation))
    matrix = np.zeros((rows, weight.shape[1] * groups * math.prod(size)), dtype=weight.dtype)
    for row, column, tap in contributions(weight, size, stride, pads, dilation, groups, mode):
        matrix[row, column] += tap
    return matrix


def stored(*geometry: Any) -> int:
    """How many entries that matrix stores: pairs that some tap joins, whatever its value."""
    return len({(row, column) for row, column, _ in contributions(*geometry)})


def by_unit_vectors(op: Any) -> np.ndarray:
    """The dense matrix of an operator, from what it does to each unit vector."""
    columns = [op @ unit for unit in np.eye(op.shape[1], dtype=np.int64)]
    return np.stack(columns, axis=1)


def assert_canonical(matrix: Any) -> None:
    """Sorted, distinct, index type as announced: checked on the raw arrays, so that no flag is believed."""
    if isinstance(matrix, coo_array):
        order = np.lexsort((matrix.col, matrix.row))
        assert np.array_equal(order, np.arange(matrix.nnz))
        places = matrix.row.astype(np.int64) * matrix.shape[1] + matrix.col
        assert np.unique(places).size == matrix.nnz
        indices: tuple[np.ndarray, ...] = matrix.coords
    else:
        assert isinstance(matrix, (csr_array, csc_array))
        again = type(matrix)((matrix.data, matrix.indices, matrix.indptr), shape=matrix.shape)
        again.check_format(full_check=True)
        assert again.has_sorted_indices
        assert again.has_canonical_format
        indices = (matrix.indices, matrix.indptr)
    assert matrix.has_canonical_format
    wanted = np.int32 if max(matrix.nnz, *matrix.shape) < 2**31 else np.int64
    assert {index.dtype for index in indices} == {np.dtype(wanted)}


def sparse_bytes(matrix: Any) -> int:
    """The bytes of the arrays a sparse array holds."""
    if isinstance(matrix, coo_array):
        return int(matrix.data.nbytes + sum(index.nbytes for index in matrix.coords))
    return int(matrix.data.nbytes + matrix.indices.nbytes + matrix.indptr.nbytes)


def assert_same(actual: Any, expected: Any) -> None:
    """Equal exactly where no entry was rounded, else to the last few bits."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape
    if actual.dtype.kind in "fc" and not (_integral(actual) and _integral(expected)):
        single = any(a.dtype in (np.float32, np.complex64) for a in (actual, expected))
        tolerance = 1e-5 if single else 1e-12
        np.testing.assert_allclose(actual, expected.astype(actual.dtype), rtol=tolerance, atol=tolerance)
    else:
        assert np.array_equal(actual, expected)


def _integral(array: np.ndarray) -> bool:
    return array.dtype.kind in "biu" or (array.dtype.kind in "fc" and bool(np.array_equal(array, np.rint(array))))


def run_onnx(kind: str, inputs: dict[str, np.ndarray], **attributes: Any) -> np.ndarray:
    """One node, evaluated by ONNX's own reference implementation."""
    import onnx
    from onnx.reference import ReferenceEvaluator

    node = onnx.helper.make_node(kind, list(inputs), ["y"], **attributes)
    kinds = {name: onnx.helper.np_dtype_to_tensor_dtype(array.dtype) for name, array in inputs.items()}
    values = [onnx.helper.make_tensor_value_info(name, kinds[name], a.shape) for name, a in inputs.items() if name]
    out = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)
    graph = onnx.helper.make_graph([node], "layer", values, [out])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 19)])
    feeds = {name: array for name, array in inputs.items() if name}
    answers: Any = ReferenceEvaluator(model).run(None, feeds)
    return np.asarray(answers[0])
