"""`docs/conventions.md`, row by row: both columns are evaluated and must agree exactly.

NumPy, SciPy, PyTorch and ONNX answer for themselves. MATLAB, TensorFlow and Keras are not installed: small stand-ins
below follow the formulas of their documentation, one product at a time.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import oracles
import pytest
import scipy.linalg
import scipy.ndimage
import scipy.signal

import convmatrix as cm

PAGE = Path(__file__).parents[1] / "docs" / "conventions.md"
ROW = re.compile(r"^\| `(?P<there>.+?)` \| `(?P<here>.+?)` \|$", re.MULTILINE)

World = dict[str, Any]


def numbers(*shape: int) -> np.ndarray:
    """Small integers without a pattern."""
    return (np.arange(int(np.prod(shape))) * 29 + 11).reshape(shape) % 23 - 11


def taps(*shape: int) -> np.ndarray:
    return (np.arange(int(np.prod(shape))) * 7 + 2).reshape(shape) % 11 - 4


# -- MATLAB, from the formulas of its documentation -------------------------------------------------------------------


def conv2(A: np.ndarray, B: np.ndarray, shape: str = "full") -> np.ndarray:
    """`C(j,k) = sum over p, q of A(p,q) B(j-p+1, k-q+1)`; "same" is the part from `ceil((size(B) + 1) / 2)`."""
    C = np.zeros((A.shape[0] + B.shape[0] - 1, A.shape[1] + B.shape[1] - 1), dtype=np.int64)
    for (p, q), value in np.ndenumerate(A):
        C[p : p + B.shape[0], q : q + B.shape[1]] += value * B
    if shape == "same":
        first = [-(-(n + 1) // 2) - 1 for n in B.shape]
        return C[first[0] : first[0] + A.shape[0], first[1] : first[1] + A.shape[1]]
    if shape == "valid":
        return C[B.shape[0] - 1 : A.shape[0], B.shape[1] - 1 : A.shape[1]]
    return C


def filter2(H: np.ndarray, X: np.ndarray) -> np.ndarray:
    """`conv2(X, rot90(H, 2), "same")`."""
    return conv2(X, np.rot90(H, 2), "same")


def imfilter(A: np.ndarray, h: np.ndarray, boundary: str = "zeros") -> np.ndarray:
    """Correlation about the kernel's centre, which is `floor((size(h) + 1) / 2)`."""
    mode = {"zeros": "constant", "circular": "wrap", "replicate": "edge", "symmetric": "symmetric"}[boundary]
    before = [(n + 1) // 2 - 1 for n in h.shape]
    padded = np.pad(A, [(b, n - 1 - b) for b, n in zip(before, h.shape, strict=True)], mode=mode)  # type: ignore[call-overload]
    return np.array([
        [(padded[r : r + h.shape[0], c : c + h.shape[1]] * h).sum() for c in range(A.shape[1])]
        for r in range(A.shape[0])
    ])  # fmt: skip


def convmtx2(H: np.ndarray, m: int, n: int) -> np.ndarray:
    """The `T` for which `T * X(:)` is `conv2(X, H)(:)` for every `m`-by-`n` picture `X`; columns first."""
    units = [unit.reshape((m, n), order="F") for unit in np.eye(m * n, dtype=np.int64)]
    return np.stack([conv2(unit, H).ravel(order="F") for unit in units], axis=1)


def convmtx(h: np.ndarray, n: int) -> np.ndarray:
    """The `A` for which `A * x` is `conv(h, x)`, for a column `h`."""
    return np.stack([np.convolve(h, unit) for unit in np.eye(n, dtype=np.int64)], axis=1)


# -- TensorFlow and Keras, from the formulas of their documentation ---------------------------------------------------


def same_pads(size: Any, kernel: Any, stride: int, dilation: int) -> list[tuple[int, int]]:
    """`max((ceil(n/s) - 1) s + d (k - 1) + 1 - n, 0)` in all, half of it before, rounded down."""
    totals = [
        max((-(-n // stride) - 1) * stride + dilation * (k - 1) + 1 - n, 0) for n, k in zip(size, kernel, strict=True)
    ]
    return [(total // 2, total - total // 2) for total in totals]


def tf_pads(padding: Any, size: Any, kernel: Any, stride: int, dilation: int) -> list[tuple[int, int]]:
    if padding == "SAME":
        return same_pads(size, kernel, stride, dilation)
    return [(0, 0)] * len(size) if padding == "VALID" else [tuple(pair) for pair in padding[1:-1]]


def tf_conv(X: np.ndarray, W: np.ndarray, strides: int, padding: Any, dilations: int = 1) -> np.ndarray:
    """`out[b, i, j, k] = sum of in[b, s i + d di, s j + d dj, q] W[di, dj, q, k]` over the padded input."""
    size, kernel = X.shape[1:-1], W.shape[:-2]
    padded = np.pad(X, [(0, 0), *tf_pads(padding, size, kernel, strides, dilations), (0, 0)])
    counts = [(n - dilations * (k - 1) - 1) // strides + 1 for n, k in zip(padded.shape[1:-1], kernel, strict=True)]
    out = np.zeros((len(X), *counts, W.shape[-1]), dtype=np.int64)
    for place in np.ndindex(*counts):
        for tap in np.ndindex(*kernel):
            read = tuple(strides * p + dilations * t for p, t in zip(place, tap, strict=True))
            out[(slice(None), *place)] += padded[(slice(None), *read)] @ W[tap]
    return out


def tf_depthwise(X: np.ndarray, D: np.ndarray, strides: int, padding: str) -> np.ndarray:
    """Channel `q` alone with each of its filters: output channel `q * multiplier + m`."""
    each = [tf_conv(X[..., q : q + 1], D[..., q : q + 1, :], strides, padding) for q in range(D.shape[-2])]
    return np.concatenate(each, axis=-1)


def tf_transposed(X: np.ndarray, V: np.ndarray, out: Any, strides: int, padding: str) -> np.ndarray:
    """What `tf_conv` with the same arguments sends back to its input of size `out`: its gradient."""
    kernel = V.shape[:-2]
    pads = tf_pads(padding, out, kernel, strides, 1)
    grown = [n + before + after + strides + max(kernel) for n, (before, after) in zip(out, pads, strict=True)]
    result = np.zeros((len(X), *grown, V.shape[-2]), dtype=np.int64)
    for place in np.ndindex(*X.shape[1:-1]):
        for tap in np.ndindex(*kernel):
            write = tuple(strides * p + t for p, t in zip(place, tap, strict=True))
            result[(slice(None), *write)] += X[(slice(None), *place)] @ V[tap].T
    crop = tuple(slice(before, before + n) for n, (before, _) in zip(out, pads, strict=True))
    return np.asarray(result[(slice(None), *crop)])


def tf_pad(X: np.ndarray, width: int, mode: str) -> np.ndarray:
    """The spatial axes alone, by as much on every side."""
    widths: Any = [(0, 0), *[(width, width)] * (X.ndim - 2), (0, 0)]
    return np.asarray(np.pad(X, widths, mode=mode.lower()))  # type: ignore[call-overload]


def keras_conv(weight: np.ndarray, strides: int = 1, padding: str = "valid", dilation_rate: int = 1) -> Any:
    """A layer: "causal" pads `d (k - 1)` before and nothing after."""
    causal = [[0, 0], [dilation_rate * (weight.shape[0] - 1), 0], [0, 0]]
    pads = causal if padding == "causal" else padding.upper()
    return lambda X: tf_conv(X, weight, strides, pads, dilation_rate)


def keras_transposed(V: np.ndarray, strides: int, padding: str) -> Any:
    """Output size `n s` for "same", `n s + max(k - s, 0)` for "valid"."""

    def layer(X: np.ndarray) -> np.ndarray:
        pairs = zip(X.shape[1:-1], V.shape[:2], strict=True)
        out = [n * strides + (max(k - strides, 0) if padding == "valid" else 0) for n, k in pairs]
        return tf_transposed(X, V, out, strides, padding.upper())

    return layer


TENSORFLOW = {
    "tf": SimpleNamespace(
        pad=tf_pad,
        nn=SimpleNamespace(conv2d=tf_conv, depthwise_conv2d=tf_depthwise, conv2d_transpose=tf_transposed),
    ),
    "Conv1D": keras_conv,
    "Conv2D": keras_conv,
    "DepthwiseConv2D": lambda D, strides, padding: lambda X: tf_depthwise(X, D, strides, padding.upper()),
    "Conv2DTranspose": keras_transposed,
}


# -- the sizes over which each table is tried -------------------------------------------------------------------------


def signals() -> Iterator[World]:
    for n, m in itertools.product((5, 6), (1, 2, 3, 4, 5)):
        yield {"x": numbers(n), "k": taps(m), "n": n}


def signals_with_origins() -> Iterator[World]:
    for n, m in itertools.product((6, 7), (1, 2, 3, 4, 5)):
        for o in range(-(m // 2), (m - 1) // 2 + 1):
            yield {"x": numbers(n), "k": taps(m), "n": n, "m": m, "o": o, "ndimage": scipy.ndimage}


def pictures() -> Iterator[World]:
    names = {"signal": scipy.signal, "ndimage": scipy.ndimage}
    matlab = {"conv2": conv2, "filter2": filter2, "imfilter": imfilter, "convmtx2": convmtx2, "convmtx": convmtx}
    for size, kernel in itertools.product([(5, 6), (4, 7)], [(1, 1), (3, 3), (2, 2), (2, 3), (3, 4), (4, 1)]):
        yield {"X": numbers(*size), "K": taps(*kernel), **names, **matlab}


def matrices() -> Iterator[World]:
    for n, m in itertools.product((4, 5), (1, 2, 3, 4)):
        c, r = taps(m), numbers(n)
        r[0] = c[0]
        yield {"k": taps(m), "n": n, "c": c, "r": r, "linalg": scipy.linalg}


def channels_first() -> Iterator[World]:
    for size, kernel, s, d in itertools.product([(5, 6), (6, 7)], [(3, 3), (2, 2), (3, 2)], (1, 2, 3), (1, 2)):
        yield {
            "X": numbers(2, 2, *size), "W": taps(3, 2, *kernel), "V": taps(2, 3, *kernel),
            "size": size, "c_in": 2, "s": s, "d": d,
        }  # fmt: skip


def channels_last() -> Iterator[World]:
    for world in channels_first():
        if world["size"] == (5, 6) or world["s"] == 2:
            kernel = world["W"].shape[2:]
            sizes = [n * world["s"] - (world["s"] > 1) for n in world["size"]]
            yield {
                "X": numbers(2, *world["size"], 2), "W": taps(*kernel, 2, 3), "V": taps(*kernel, 3, 2),
                "D": taps(*kernel, 2, 2), "size": world["size"], "out": sizes, "c_in": 2,
                "s": world["s"], "d": world["d"], **TENSORFLOW,
            }  # fmt: skip


def in_torch() -> Iterator[World]:
    torch = pytest.importorskip("torch")
    for world in channels_first():
        tensors = {name: torch.from_numpy(world[name].astype(float)) for name in "XWV"}
        yield {**world, **tensors, "F": torch.nn.functional}


def in_onnx() -> Iterator[World]:
    pytest.importorskip("onnx")

    def node(kind: str, *inputs: np.ndarray, **attributes: Any) -> np.ndarray:
        floats = {name: array.astype(np.float32) for name, array in zip("xw", inputs, strict=False)}
        return oracles.run_onnx(kind, floats, **attributes)

    for world in channels_first():
        if world["size"] == (5, 6):
            yield {**world, **{kind: partial(node, kind) for kind in ("Conv", "ConvTranspose", "AveragePool")}}


WORLDS: dict[str, Any] = {
    "NumPy": signals,
    "SciPy's signal": pictures,
    "SciPy's ndimage": pictures,
    "SciPy's ndimage along one axis": signals_with_origins,
    "SciPy's special matrices": matrices,
    "MATLAB": pictures,
    "PyTorch": in_torch,
    "TensorFlow": channels_last,
    "Keras": channels_last,
    "ONNX": in_onnx,
}
MATRICES = ("linalg.", "convmtx")


def rows() -> Iterator[Any]:
    """Every row of the page, under its heading."""
    for part in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]:
        heading = part.splitlines()[0].strip()
        for row in ROW.finditer(part):
            yield pytest.param(heading, row["there"], row["here"], id=f"{heading}: {row['there']}")


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")
@pytest.mark.parametrize(("heading", "there", "here"), list(rows()))
def test_both_columns_agree(heading: str, there: str, here: str) -> None:
    tried = 0
    for world in WORLDS[heading]():
        names = {"np": np, "cm": cm, **world}
        expected, op = np.asarray(eval(there, names)), eval(here, names)
        if there.startswith(MATRICES):
            assert np.array_equal(op.toarray(), expected), world
        else:
            x, wanted = the_input(heading, there, world, expected)
            np.testing.assert_array_equal(op(x), wanted, err_msg=str(world))
        tried += 1
    assert tried >= 8


def the_input(heading: str, there: str, world: World, expected: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The tensor the operator reads, channels first as its answer is."""
    x = np.asarray(world["x"] if "x" in world else world["X"])
    if heading in ("TensorFlow", "Keras"):
        x = x[:, 0] if "Conv1D" in there else x
        return np.moveaxis(x, -1, 1), np.moveaxis(expected, -1, 1)
    return x, expected


def test_every_table_has_rows_and_a_world() -> None:
    found = {parameters.values[0] for parameters in rows()}
    assert found == set(WORLDS)
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert len(lines) == len(list(rows()))


def test_a_matrix_of_matlab_literally() -> None:
    """`convmtx2([1 2; 3 4], 2, 2)`, and the way to it by permutations."""
    literal = [
        [1, 0, 0, 0], [3, 1, 0, 0], [0, 3, 0, 0],
        [2, 0, 1, 0], [4, 2, 3, 1], [0, 4, 0, 3],
        [0, 0, 2, 0], [0, 0, 4, 2], [0, 0, 0, 4],
    ]  # fmt: skip
    H = np.array([[1, 2], [3, 4]])
    assert convmtx2(H, 2, 2).tolist() == literal
    assert cm.conv(H.T, (2, 2), padding="full", flip=True).toarray().tolist() == literal
    C = cm.conv(H, (2, 2), padding="full", flip=True)
    p = np.arange(9).reshape(C.out_shape[1:]).ravel("F")
    q = np.arange(4).reshape(C.in_shape[1:]).ravel("F")
    assert C.tosparse()[p][:, q].toarray().tolist() == literal
