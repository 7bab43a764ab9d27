"""`clip_spectrum` against dense decompositions, and against SciPy's constrained minimiser."""

import json
import math

import numpy as np
import pytest
from scipy.optimize import NonlinearConstraint, minimize

import convmatrix as cm
from convmatrix.analysis.inspection.counting import leaves
from convmatrix.operators.convolution import Convolution


def _clipped(matrix, norm):
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    return (left * np.minimum(values, norm)) @ right, values


def _drawn(seed):
    """A circular layer of any stride, dilation and groups, real or complex, some transposed or multiplied."""
    rng = np.random.default_rng(seed)
    while True:
        axes = int(rng.integers(1, 4))
        strides = rng.integers(1, 4, axes)
        outputs = rng.integers(1, {1: 10, 2: 5, 3: 3}[axes], axes)
        kernel, dilations = rng.integers(1, 5, axes), rng.integers(1, 4, axes)
        total = dilations * (kernel - 1) + 1 - strides
        if (total < 0).any():
            continue
        before = [int(rng.integers(0, most + 1)) for most in total]
        groups = int(rng.integers(1, 3))
        channels = groups * rng.integers(1, 3, 2)
        weight = rng.standard_normal((channels[0], channels[1] // groups, *kernel))
        if seed % 3 == 0:
            weight = weight + 1j * rng.standard_normal(weight.shape)
        pads = [(low, int(most) - low) for low, most in zip(before, total, strict=True)]
        op = cm.conv(
            weight, (strides * outputs).tolist(), stride=strides.tolist(), dilation=dilations.tolist(), padding=pads,
            padding_mode="circular", groups=groups,
        )  # fmt: skip
        op = op.T if seed % 4 == 0 else op
        return -2.5 * op if seed % 5 == 0 else op


def _layers():
    rng = np.random.default_rng(0)
    square = cm.conv(rng.standard_normal((2, 3, 3, 3)), (6, 8), padding=1, padding_mode="circular")
    return {
        "2-D": square,
        "transposed": square.T,
        "adjoint of a complex one": cm.conv(
            rng.standard_normal((2, 1, 3)) + 1j * rng.standard_normal((2, 1, 3)), 6, padding=1, padding_mode="circular"
        ).H,
        "multiple": 3 * square,
        "1x1 without padding": cm.conv(rng.standard_normal((3, 2, 1, 1)), (3, 4)),
        "patches": cm.conv(rng.standard_normal((3, 2, 2, 2)), (4, 6), stride=2),
        "patches of a transposed layer": cm.conv_transpose(rng.standard_normal((3, 2, 2, 2)), (2, 3), stride=2),
        "fully connected": cm.conv(rng.standard_normal((4, 3)), ()),
        "sub-pixel": cm.pixel_shuffle((4, 5, 5), 2)
        @ cm.conv(rng.standard_normal((4, 1, 3, 3)), (5, 5), padding=1, padding_mode="circular"),
        "shuffled groups": cm.channel_shuffle((4, 6), 2)
        @ cm.conv(rng.standard_normal((4, 2, 3)), 6, padding=1, padding_mode="circular", groups=2)
        @ cm.channel_shuffle((4, 6), 2),
        "kernel beyond the input": cm.conv(rng.standard_normal(7), 4, padding=3, padding_mode="circular"),
        "float32": cm.conv(rng.standard_normal((2, 2, 3)).astype(np.float32), 6, padding=1, padding_mode="circular"),
        "integers": cm.conv("1 2 1; 2 4 2; 1 2 1", (4, 5), padding=1, padding_mode="circular"),
        "fractions": cm.conv("1/3 1/2 1/7", 6, padding=1, padding_mode="circular"),
        "odd pads": cm.conv(rng.standard_normal((2, 2, 3)), 7, padding=((0, 2),), padding_mode="circular"),
    }


LAYERS = _layers()
every_layer = pytest.mark.parametrize("op", LAYERS.values(), ids=LAYERS)


def _matrix(op):
    return op.toarray(dtype=complex if op.dtype.kind == "c" else float)


def _check(op, share, rounds=0):
    matrix = _matrix(op)
    norm = share * np.linalg.norm(matrix, 2)
    expected, values = _clipped(matrix, norm)
    found = cm.clip_spectrum(op, norm, rounds=rounds)
    np.testing.assert_allclose(_matrix(found.full), expected, atol=1e-12 * values[0])
    assert found.full_norm == pytest.approx(min(norm, values[0]))
    assert found.largest == pytest.approx(values[0])
    assert (found.clipped, found.count) == ((values > norm).sum(), len(values))
    assert (found.cropped.in_shape, found.cropped.out_shape) == (op.in_shape, op.out_shape)
    assert found.cropped.nnz == op.nnz
    assert found.cropped_norm == pytest.approx(np.linalg.norm(_matrix(found.cropped), 2))
    return found


# -- the full weight --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(100))
def test_drawn_circular_layers(seed):
    _check(_drawn(seed), np.random.default_rng(seed).uniform(0.2, 1.1), rounds=seed % 3)


@every_layer
@pytest.mark.parametrize("share", [0.3, 0.8])
def test_the_matrix_is_clipped(op, share):
    _check(op, share)


@every_layer
def test_a_norm_above_changes_nothing(op):
    found = _check(op, 1.5)
    assert (found.clipped, found.full_distance, found.cropped_distance, found.rounds) == (0, 0, 0, 0)
    np.testing.assert_allclose(_matrix(found.full), _matrix(op), atol=1e-12)
    np.testing.assert_allclose(_matrix(found.cropped), _matrix(op), rtol=1e-15)


@every_layer
def test_the_norm_is_certified(op):
    norm = 0.6 * np.linalg.norm(_matrix(op), 2)
    enclosure = cm.spectral_norm(cm.clip_spectrum(op, norm).full)
    assert enclosure.lower * (1 - 1e-9) <= norm <= enclosure.upper * (1 + 1e-9)
    assert enclosure.reached


def test_a_kernel_as_large_as_the_input_lies_where_the_layers_own_was():
    op = cm.conv(np.random.default_rng(0).standard_normal((1, 1, 3, 3)), (7, 8), padding=1, padding_mode="circular")
    full = cm.clip_spectrum(op, 100).full
    assert full.geometry.kernel_size == (7, 8)
    assert full.weight.dtype == np.float64
    expected = np.zeros((7, 8))
    expected[2:5, 2:5] = op.weight[0, 0]
    np.testing.assert_allclose(full.weight[0, 0], expected, atol=1e-15)


@pytest.mark.parametrize("size", [(128, 130), (129, 127)], ids=str)
def test_large_pictures(size):
    """Of one channel: every frequency is one number."""
    op = cm.conv(np.random.default_rng(0).standard_normal((3, 3)), size, padding=1, padding_mode="circular")
    kernel = np.zeros(size)
    kernel[:3, :3] = op.weight[0, 0]
    response = np.fft.fft2(kernel)
    expected = np.fft.ifft2(response * np.minimum(1, 1.5 / np.abs(response))).real
    found = cm.clip_spectrum(op, 1.5)
    shift = [pad - 1 for pad in (axis.pad_before for axis in found.full.geometry.axes)]
    np.testing.assert_allclose(found.full.weight[0, 0], np.roll(expected, shift, (0, 1)), atol=1e-14)
    assert found.clipped == (np.abs(response) > 1.5).sum()


# -- the cropped one --------------------------------------------------------------------------------------------------


def test_cropping_keeps_the_taps_of_the_full_weight():
    op = LAYERS["2-D"]
    found = cm.clip_spectrum(op, 1.0)
    before = [axis.pad_before - 1 for axis in found.full.geometry.axes]
    window = found.full.weight[:, :, before[0] : before[0] + 3, before[1] : before[1] + 3]
    np.testing.assert_allclose(found.cropped.weight, window, atol=1e-15)
    assert found.cropped.geometry == op.geometry
    assert 1 < found.cropped_norm < found.largest


@every_layer
def test_distances_are_those_of_the_matrix(op):
    matrix = _matrix(op)
    found = cm.clip_spectrum(op, 0.5 * np.linalg.norm(matrix, 2))
    layer = next(leaf for leaf in leaves(op) if isinstance(leaf, Convolution))
    root = math.sqrt(math.prod(layer.geometry.output_size))
    for own, distance in ((found.full, found.full_distance), (found.cropped, found.cropped_distance)):
        assert root * distance == pytest.approx(np.linalg.norm(_matrix(own) - matrix))


@every_layer
@pytest.mark.parametrize("rounds", [1, 7])
def test_rounds_bring_the_norm_down(op, rounds):
    found = _check(op, 0.6, rounds)
    assert found.cropped_norm <= found.norm * (1 + 1e-12)
    assert found.rounds <= rounds
    assert 0.5 < found.shrunk <= 1


def test_more_rounds_come_nearer():
    op = cm.conv(np.random.default_rng(1).standard_normal((3, 3, 3, 3)), (8, 8), padding=1, padding_mode="circular")
    distances = [cm.clip_spectrum(op, 2.0, rounds=rounds).cropped_distance for rounds in (1, 4, 16, 64, 256)]
    assert distances == sorted(distances, reverse=True)
    plain = np.linalg.norm(op.weight) * (1 - 2.0 / cm.clip_spectrum(op, 2.0).largest)
    assert distances[-1] < plain


@pytest.mark.parametrize("seed", range(4))
def test_rounds_approach_the_nearest_weight_there_is(seed):
    """SciPy's trust region on the squared gains of all frequencies."""
    weight = np.random.default_rng(seed).standard_normal(3)
    size = 9
    waves = np.exp(2j * np.pi * np.outer(np.arange(size), np.arange(3)) / size)
    norm = 0.7 * np.abs(waves @ weight).max()
    gains = NonlinearConstraint(lambda w: np.abs(waves @ w) ** 2, 0, norm**2)
    best = minimize(
        lambda w: ((w - weight) ** 2).sum(), 0.5 * weight, jac=lambda w: 2 * (w - weight), constraints=gains,
        method="SLSQP", options={"ftol": 1e-14, "maxiter": 1000},
    )  # fmt: skip
    op = cm.conv(weight, size, padding=1, padding_mode="circular")
    found = cm.clip_spectrum(op, norm, rounds=3000, tol=1e-7)
    np.testing.assert_allclose(found.cropped.weight[0, 0], best.x, atol=2e-4)
    assert found.cropped_distance == pytest.approx(math.sqrt(best.fun), rel=1e-3)


def test_no_more_rounds_than_tol_asks_for():
    op = LAYERS["2-D"]
    few, many = (cm.clip_spectrum(op, 2.0, rounds=1000, tol=tol) for tol in (0.05, 1e-3))
    assert 0 < few.rounds < many.rounds < 1000
    assert few.shrunk >= 1 / 1.05
    assert many.shrunk >= 1 / 1.001


def test_taps_that_meet_move_alike():
    op = cm.conv([1.0, 2.0, 3.0, 4.0, 5.0], 4, padding=((2, 2),), padding_mode="circular")
    found = cm.clip_spectrum(op, 5)
    np.testing.assert_allclose(_matrix(found.cropped), _matrix(found.full), atol=1e-12)
    moved = found.cropped.weight[0, 0] - op.weight[0, 0]
    assert moved[0] == pytest.approx(moved[4])


# -- what comes out, and what is refused ------------------------------------------------------------------------------


def test_biases_stay():
    op = cm.conv(np.ones((2, 1, 3)), 6, padding=1, padding_mode="circular", bias=[1, 2])
    found = cm.clip_spectrum(op, 1)
    assert found.full.bias.tolist() == found.cropped.bias.tolist() == [[1], [2]]
    back = cm.conv_transpose(np.ones((2, 1, 2)), 3, stride=2, bias=[5])
    found = cm.clip_spectrum(back, 1)
    assert found.full.bias.tolist() == found.cropped.bias.tolist() == [[5]]


@pytest.mark.parametrize("power", [-200, 200])
def test_numbers_at_the_ends_of_the_range(power):
    op = LAYERS["2-D"]
    scaled = cm.conv(op.weight * 10.0**power, (6, 8), padding=1, padding_mode="circular")
    found, expected = cm.clip_spectrum(scaled, 10.0**power), cm.clip_spectrum(op, 1)
    np.testing.assert_allclose(found.full.weight / 10.0**power, expected.full.weight, rtol=1e-9, atol=1e-14)
    assert found.cropped_norm / 10.0**power == pytest.approx(expected.cropped_norm)
    assert found.full_distance / 10.0**power == pytest.approx(expected.full_distance)


@pytest.mark.parametrize("norm", [1e-8, 1e-30, 1e-290])
@pytest.mark.parametrize("name", ["2-D", "integers"])
def test_rounding_is_that_of_the_norm(name, norm):
    """However far below the layer's own norm it is."""
    found = cm.clip_spectrum(LAYERS[name], norm)
    assert found.full_norm == pytest.approx(norm, rel=1e-13)
    values = np.linalg.svd(_matrix(found.full) / norm, compute_uv=False)
    assert values.max() == pytest.approx(1, rel=1e-12)


def test_a_sum_of_layers_of_one_geometry_is_one_layer():
    op = CIRCULAR + 2 * CIRCULAR
    found = cm.clip_spectrum(op, 20)
    np.testing.assert_allclose(_matrix(found.full), _clipped(_matrix(op), 20)[0], atol=1e-12)


def test_a_norm_of_denormals():
    found = cm.clip_spectrum(LAYERS["2-D"], 1e-320)
    assert found.full_norm == pytest.approx(1e-320, rel=0.05)


def test_a_result_is_shown_and_written():
    found = cm.clip_spectrum(LAYERS["2-D"], 1, rounds=2)
    said = found.to_dict()
    assert json.loads(json.dumps(said)) == said
    assert said["norm"] == 1
    assert said["rounds"] == 2
    assert "after 2 more rounds" in str(found)
    assert "singular values clipped" in found._repr_html_()
    with pytest.raises(ValueError, match="read-only"):
        found.full.weight[0] = 1


CIRCULAR = LAYERS["integers"]
MOVED = cm.conv("1 2 1; 2 4 2; 1 2 1", (4, 5), padding=((2, 0), (1, 1)), padding_mode="circular")
ZEROS = cm.conv("1 2 1", 6, padding=1)
BAD = {
    "no operator": (np.eye(3), {}, "op must be a TensorOperator, got ndarray"),
    "zeros": (ZEROS, {}, "op must be one circular layer with n/stride outputs an axis .*got <Convolution 3, padding 1"),
    "fewer outputs": (cm.conv("1 2 1", 6, padding_mode="circular"), {}, "op must be one circular layer with n/stride"),
    "stride": (cm.conv("1 2 1", 7, stride=2, padding=1, padding_mode="circular"), {}, "op must be one circular layer"),
    "product": (CIRCULAR @ CIRCULAR, {}, "op must be one circular layer"),
    "sum": (CIRCULAR + MOVED, {}, "op must be one circular layer"),
    "permutation": (cm.identity((1, 4)), {}, r"or divide op by spectral_norm\(op\).upper / norm"),
    "symbols": (cm.conv("a b", 6, padding_mode="circular"), {}, "op must have weights without symbols, got a"),
    "NaN": (cm.conv([np.nan, 1], 6, padding_mode="circular"), {}, "op must have finite weights, got nan"),
    "beyond floats": (cm.conv([10**400, 1], 4, padding=((0, 1),), padding_mode="circular"), {},
                      "op must have singular values"),
    "no norm": (CIRCULAR, {"norm": 0}, "norm must be a number above 0, got 0"),
    "negative": (CIRCULAR, {"norm": -2.0}, "norm must be a number above 0, got -2.0"),
    "norm NaN": (CIRCULAR, {"norm": np.nan}, "norm must be a number above 0, got nan"),
    "infinite": (CIRCULAR, {"norm": np.inf}, "norm must be a number above 0, got inf"),
    "text": (CIRCULAR, {"norm": "1"}, "norm must be a number above 0, got '1'"),
    "rounds": (CIRCULAR, {"rounds": -1}, "rounds must be at least 0, got -1"),
    "tol": (CIRCULAR, {"tol": 0}, "tol must be a number above 0, got 0"),
}  # fmt: skip


@pytest.mark.parametrize(("op", "options", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_one_clear_error(op, options, message):
    with pytest.raises(cm.ConvMatrixError, match=message):
        cm.clip_spectrum(op, **{"norm": 1.0, **options})


def test_a_weight_as_large_as_the_input_may_not_fit():
    wide = np.broadcast_to(np.float32(1), (512, 512, 3, 3))
    op = cm.conv(wide, (512, 512), padding=1, padding_mode="circular")
    with pytest.raises(cm.MatrixTooLargeError, match="weights as large as the input would take"):
        cm.clip_spectrum(op, 1.0)
