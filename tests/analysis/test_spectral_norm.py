"""Norms between two numbers: always around the true one, near enough, and proved by what can fail."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from operator_drawing import dense, drawn_operator

import convmatrix as cm
from convmatrix.analysis.norm import attaining, certificate, enclosing, gram, layers, own, perron, spaces
from convmatrix.analysis.spectrum.numbers import magnitudes
from convmatrix.geometry import Axis

ROUNDING = 1e-13


def norm_of(op):
    return float(np.linalg.svd(dense(op), compute_uv=False)[0])


def assert_encloses(op, found, true):
    assert found.lower <= true * (1 + ROUNDING)
    assert true * (1 - ROUNDING) <= found.upper
    for bound in found.bounds:
        assert true * (1 - ROUNDING) <= bound.value, bound
    assert found.vector.shape == op.in_shape
    assert math.isclose(np.linalg.norm(found.vector), 1, rel_tol=1e-12)
    assert np.linalg.norm(dense(op) @ found.vector.ravel()) >= found.lower
    assert dense(op).dtype.kind == "c" or found.vector.dtype.kind == "f"


# -- drawn operators --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_large", [False, True], ids=["as they are", "as if they were large"])
@pytest.mark.parametrize("batch", range(25))
def test_drawn_operators_are_enclosed_and_the_width_is_reached(batch, is_large, monkeypatch):
    """As if they were large: by waves, embeddings and own matrices instead of one decomposition."""
    if is_large:
        monkeypatch.setattr(enclosing, "DENSE", 0)
    for seed in range(20 * batch, 20 * batch + 20):
        op = drawn_operator(3000 + seed)
        width = (0.01, 1e-3, 1e-6)[seed % 3]
        found = cm.spectral_norm(op, width)
        assert_encloses(op, found, norm_of(op))
        assert found.reached, (seed, op, found.width)
        assert found.width <= width


@pytest.mark.parametrize(
    "options",
    [
        {"padding": 1},
        {"padding": 1, "stride": 2},
        {"padding": 2, "dilation": 2},
        {"padding": 1, "padding_mode": "circular"},
        {"padding": 1, "padding_mode": "reflect"},
        {"padding": 2, "padding_mode": "replicate", "stride": 2},
        {"padding": 1, "groups": 4},
    ],
    ids=str,
)
def test_layers_of_some_thousand_columns(options):
    weight = np.random.default_rng(0).standard_normal((8, 8 // options.get("groups", 1), 3, 3))
    op = cm.conv(weight, (12, 12), **options)
    found = cm.spectral_norm(op)
    assert_encloses(op, found, norm_of(op))
    assert found.reached


# -- the trap ---------------------------------------------------------------------------------------------------------


class Blind(np.random.Generator):
    """Draws zeros for the second half of every vector, so that an iteration from there never sees that half."""

    def standard_normal(self, size=None, *given, **named):
        drawn = super().standard_normal(size, *given, **named)
        flat = np.asarray(drawn).reshape(-1)
        flat[flat.size // 2 :] = 0
        return drawn


def _two_nearly_equal_halves():
    first = np.random.default_rng(0).standard_normal((4, 4, 3, 3))
    size = norm_of(cm.conv(first, (8, 8), padding=1))
    second = np.random.default_rng(1).standard_normal((4, 4, 3, 3))
    second *= size * (1 + 1e-5) / norm_of(cm.conv(second, (8, 8), padding=1))
    return cm.conv(np.concatenate([first, second]), (8, 8), padding=1, groups=2), size


def test_an_iteration_settles_on_the_second_value_and_the_enclosure_does_not(monkeypatch):
    monkeypatch.setattr(enclosing, "DENSE", 0)
    op, second = _two_nearly_equal_halves()
    blind = Blind(np.random.PCG64(0))
    # The iteration alone: settled, with a residual of nothing, on the second value.
    alone = attaining.Attained(op)
    alone.search(math.inf, 1e-12, blind)
    right = alone.vector.ravel()
    residual = np.linalg.norm(op.T @ (op @ right) - alone.value**2 * right)
    assert math.isclose(alone.value, second, rel_tol=1e-9)
    assert residual < 1e-5
    assert alone.value < norm_of(op) * (1 - 0.9e-5)
    # The enclosure from the same starts.
    found = cm.spectral_norm(op, 1e-6, rng=blind)
    assert_encloses(op, found, norm_of(op))
    assert found.reached
    assert found.lower > second


def test_the_layer_whose_two_largest_values_nearly_coincide():
    weight = np.random.default_rng(0).standard_normal((16, 16, 3, 3))
    op = cm.conv(weight, (16, 16), padding=1)
    matrix = op.tosparse()
    gram_ = (matrix.T @ matrix).toarray()
    true = math.sqrt(np.linalg.eigvalsh(gram_)[-1])
    found = cm.spectral_norm(op, 1e-6)
    assert found.lower <= true * (1 + 1e-12)
    assert true <= found.upper * (1 + 1e-12)
    assert found.reached


# -- proofs can fail --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("block", [3, 16, 1024])
@pytest.mark.parametrize("is_complex", [False, True], ids=["real", "complex"])
@pytest.mark.parametrize("size", [1, 2, 7, 60])
def test_a_gram_matrix_proves_what_is_true_and_nothing_else(size, is_complex, block, monkeypatch):
    monkeypatch.setattr(certificate, "_BLOCK", block)
    rng = np.random.default_rng(size)
    matrix = rng.standard_normal((size, size)) + (1j * rng.standard_normal((size, size)) if is_complex else 0)
    matrix = np.triu(np.tril(matrix, 5), -5)
    squared, true = matrix @ np.conj(matrix).T, np.linalg.svd(matrix, compute_uv=False)[0]
    trace = np.trace(squared).real
    assert certificate.gram_is_proved(squared.copy(), true * (1 + 1e-9), size, trace) == (True, None)
    for share in (1 - 1e-9, 0.9, 0.3):
        holds, witness = certificate.gram_is_proved(squared.copy(), true * share, size, trace)
        assert not holds
        if witness is not None:
            quotient = np.vdot(witness, squared @ witness).real / np.vdot(witness, witness).real
            assert quotient >= (true * share) ** 2 * (1 - 1e-6)
    assert not certificate.gram_is_proved(squared.copy(), 0.0, size, trace)[0]
    assert certificate.batch_is_proved(matrix[None], true * (1 + 1e-9))
    assert not certificate.batch_is_proved(matrix[None], true * (1 - 1e-9))


def test_a_proof_leaves_room_for_its_own_rounding():
    """A matrix a rounding below the target is not proved to be below it."""
    for size in (4, 50, 200):
        squared = np.eye(size)
        assert not certificate.gram_is_proved(squared.copy(), 1 + 2**-52, size, size)[0]
        assert certificate.shift_for(1.0, size, float(size), size, False) < 1 - size * size * 2**-54


# -- embeddings -------------------------------------------------------------------------------------------------------

AXES = [
    Axis(n, k, (n + a + b - d * (k - 1) - 1) // s + 1, s, d, a, b)
    for n, k, s, d, a, b in np.ndindex(6, 4, 4, 3, 4, 4)
    if n and k and s and d and n + a + b - d * (k - 1) - 1 >= 0
]


def test_a_layer_is_a_part_of_the_circular_one_that_it_is_embedded_in():
    """And of none that is a stride smaller, for most: the size is the least."""
    too_large = 0
    for axis in AXES:
        size = spaces.embedding_size(axis)
        assert size % axis.stride == 0
        assert _is_part(axis, size)
        too_large += size > axis.stride and _is_part(axis, size - axis.stride)
    assert too_large < 0.2 * len(AXES)


def _is_part(axis, size):
    if size < axis.input_size or size // axis.stride < axis.output_size:
        return False
    for output, row in enumerate(axis.reads()):
        wrapped = (output * axis.stride + np.arange(axis.kernel_size) * axis.dilation - axis.pad_before) % size
        if not np.array_equal(np.where(wrapped < axis.input_size, wrapped, -1), row):
            return False
    return True


@pytest.mark.parametrize(("extent", "slack"), [(3, 0.01), (4, 0.1), (9, 0.003)])
def test_few_waves_miss_at_most_what_they_say(extent, slack):
    axis = Axis(4096, extent, 4096 - extent + 1)
    size, factor = spaces.waves_within(axis, slack)
    assert size < 4096
    assert factor <= (1 + slack) * (1 + 1e-9)
    rng = np.random.default_rng(0)
    for _ in range(200):
        taps = rng.standard_normal(extent) + 1j * rng.standard_normal(extent)
        fine = np.abs(np.fft.fft(taps, 1 << 16)).max()
        assert fine <= factor * np.abs(np.fft.fft(taps, size)).max()


@pytest.mark.parametrize("by_rows", [False, True])
@pytest.mark.parametrize("seed", range(60))
def test_a_gram_matrix_of_products_of_taps(seed, by_rows):
    """Of every border rule, against the product of the matrix with itself."""
    rng = np.random.default_rng(seed)
    mode = ("zeros", "circular", "reflect", "replicate", "symmetric")[seed % 5]
    size, kernel_size = tuple(rng.integers(3, 6, 2).tolist()), tuple(rng.integers(1, 4, 2).tolist())
    weight = rng.standard_normal((2, 3, *kernel_size)) * (1 + 1j * (seed % 2))
    op = cm.conv(weight, size, padding=2, stride=(1 + seed % 2, 1), dilation=(1, 1 + seed % 3 // 2), padding_mode=mode)
    meetings = gram.Meetings(op.geometry.axes)
    found = gram.gram(meetings, weight.reshape(2, 3, -1), by_rows)
    matrix = op.toarray()
    expected = matrix @ np.conj(matrix).T if by_rows else np.conj(matrix).T @ matrix
    channels = 2 if by_rows else 3
    positions = len(expected) // channels
    order = np.arange(len(expected)).reshape(channels, positions).T.ravel()
    assert np.allclose(found, expected[np.ix_(order, order)])


def test_layers_with_other_borders_are_proved_on_their_own_matrix():
    """A circular matrix does not bound them: here it is at most 0.9 of the norm."""
    op = cm.conv("1 1 1", 4, padding=1, padding_mode="symmetric")
    circular = cm.conv("1 1 1", 4, padding=1, padding_mode="circular")
    assert norm_of(cm.conv("2 1 -3", 4, padding=2, padding_mode="replicate")) > 1.1 * norm_of(
        cm.conv("2 1 -3", 6, padding=1, padding_mode="circular")
    )
    for each in (op, circular):
        assert_encloses(each, cm.spectral_norm(each), norm_of(each))
    names = {bound.name for bound in _large(cm.conv("2 1 -3", 12, padding=2, padding_mode="replicate")).bounds}
    assert names <= {"magnitudes", "own matrix"}


def _large(op, width=0.01):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(enclosing, "DENSE", 0)
        return cm.spectral_norm(op, width)


def test_axes_are_embedded_one_by_one_where_all_at_once_are_too_far():
    weight = np.random.default_rng(0).standard_normal((12, 12, 3, 3))
    found = _large(cm.conv(weight, (6, 6), padding=1), 1e-3)
    names = [bound.name for bound in found.bounds]
    assert names[1] == "circular embedding"
    assert names[-1] in ("circular embedding of one axis", "own matrix")
    assert found.reached


def test_what_cannot_be_afforded_is_not_tried_and_said_so(monkeypatch):
    for module in (own, layers):
        monkeypatch.setattr(module, "MOST_WORK", 0)
    monkeypatch.setattr(enclosing, "DENSE", 0)
    op = cm.conv(np.random.default_rng(0).standard_normal((4, 4, 3, 3)), (6, 6), padding=1)
    found = cm.spectral_norm(op)
    assert_encloses(op, found, norm_of(op))
    assert not found.reached
    assert found.width > 0.01
    assert "the width of 0.01 was not reached" in str(found)


def test_a_product_too_large_for_its_matrix_has_the_product_of_norms(monkeypatch):
    monkeypatch.setattr(own, "MOST_WORK", 0)
    monkeypatch.setattr(enclosing, "DENSE", 0)
    layer = cm.conv(np.random.default_rng(0).standard_normal((3, 3, 3)), 12, padding=1)
    for op in (layer @ layer, layer + 2 * layer):
        found = cm.spectral_norm(op)
        assert_encloses(op, found, norm_of(op))
    assert "sum of the branches' norms" in {bound.name for bound in found.bounds}


# -- magnitudes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(40))
def test_magnitudes_bound_every_operator(seed):
    op = drawn_operator(7000 + seed, 40_000)
    bound = perron.bound_of_magnitudes(op if op.dtype.kind in "fc" else 1.0 * op)
    assert norm_of(op) <= bound * (1 + ROUNDING)
    assert (np.abs(dense(op)) <= dense(magnitudes(op)) * (1 + 1e-12) + 1e-300).all()


@pytest.mark.parametrize(
    "op",
    [cm.avg_pool((2, 12, 12), 3), cm.resize((1, 9, 9), 2, "linear"), cm.conv("gaussian5", (64, 64), padding=2)],
    ids=["average", "resize", "blur"],
)
def test_of_what_has_no_signs_magnitudes_are_enough(op):
    found = cm.spectral_norm(op)
    assert_encloses(op, found, float(cm.singular_values(op, 1)[0]))
    assert found.reached


# -- small and odd ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("op", "norm"),
    [
        (cm.identity((3, 4)), 1.0),
        (-7 * cm.channel_shuffle((4, 2), 2), 7.0),
        (cm.conv([0.0, 0.0], 4), 0.0),
        (cm.conv([[[3.0]]], 1), 3.0),
        (cm.conv(np.array([[3.0, 4.0]]), ()), 5.0),
        (0 * cm.conv([1.0, 2.0], 4), 0.0),
        (cm.conv("1 2 1", 8, padding=1, padding_mode="circular"), 4.0),
        (1j * cm.conv([1j, 1], 1, padding=1), math.sqrt(2)),
    ],
    ids=["identity", "shuffle", "zeros", "1x1", "fully connected", "times 0", "circular", "complex"],
)
def test_norms_that_are_known(op, norm):
    found = cm.spectral_norm(op, 1e-9)
    assert math.isclose(found.lower, norm, rel_tol=1e-9)
    assert norm in found
    assert norm == 0 or norm * 1.1 not in found
    assert found.reached


@pytest.mark.parametrize("size", [1e300, 1e-300], ids=str)
def test_huge_and_tiny_weights(size):
    weight = np.random.default_rng(0).standard_normal((2, 2, 3))
    plain, scaled = (cm.spectral_norm(cm.conv(w, 40, padding=1), 1e-6) for w in (weight, size * weight))
    assert math.isclose(scaled.lower, plain.lower * size, rel_tol=1e-6)
    assert scaled.reached


@pytest.mark.parametrize("width", [0, -0.1, math.nan, math.inf, "1%", True, None], ids=str)
def test_a_width_that_is_none(width):
    with pytest.raises(cm.ConvMatrixError, match="width must be a number above 0, got"):
        cm.spectral_norm(cm.identity((3,)), width)


@pytest.mark.parametrize(
    ("op", "message"),
    [
        (cm.conv([np.nan, 1], 4), "op must have finite weights, got nan"),
        (cm.conv("a b", 4), "op must have weights without symbols, got a"),
        (np.eye(2), "op must be a TensorOperator, got ndarray"),
    ],
    ids=["nan", "symbols", "array"],
)
def test_what_has_no_norm(op, message):
    with pytest.raises(cm.ConvMatrixError, match=message):
        cm.spectral_norm(op)


def test_the_result_says_what_it_is():
    found = cm.spectral_norm(cm.conv("1 2 1", 8, padding=1))
    data = json.loads(json.dumps(found.to_dict()))
    assert data["reached"] is True
    assert data["lower"] == found.lower <= found.value <= found.upper
    assert {"name", "value", "seconds"} == set(data["bounds"][0])
    assert str(found).startswith("norm between ")
    assert "<th>proved by</th>" in found._repr_html_()
    assert not found.vector.flags.writeable
