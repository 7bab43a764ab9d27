"""`checkerboard` against what PyTorch's layers make of constants: verdict, gains, amplitude, border; all of 1,000."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

import convmatrix as cm

torch = pytest.importorskip("torch")

LAYERS = {"int": 350, "fraction": 150, "float64": 250, "float32": 250}
STACKS = 240
LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}


def constants(channels, size):
    """A constant 1 in one channel after another, `(channels, channels, *size)`."""
    one = torch.eye(channels, dtype=torch.float64).reshape(channels, channels, *[1] * len(size))
    return one.expand(channels, channels, *size).contiguous()


def functional(name, axes):
    return getattr(torch.nn.functional, f"{name}{axes}d")


def freed(weight, stride, dilation, groups):
    """The same weight with one tap of each phase changed so that all gains are equal; 0 where a phase has no tap."""
    kernel = weight.shape[2:]
    phase = [[t * d % s for t in range(k)] for k, s, d in zip(kernel, stride, dilation, strict=True)]
    members = {f: [] for f in product(*map(range, stride))}
    for tap in product(*map(range, kernel)):
        members[tuple(own[t] for own, t in zip(phase, tap, strict=True))].append(tap)
    gain = 0 if not all(members.values()) else 3
    weight = weight.copy()
    for taps in filter(None, members.values()):
        others = sum((weight[(..., *tap)] for tap in taps[1:]), np.zeros_like(weight[(..., *taps[0])]))
        weight[(..., *taps[0])] = gain - others
    return weight


def random_layer(rng, number, kind):
    """Arguments of a transposed layer whose interior holds a period, and whether it was made free."""
    axes = int(rng.integers(1, 4))
    kernel, stride, dilation = (tuple(rng.integers(1, most, axes).tolist()) for most in (5, 4, 4))
    groups = int(rng.integers(1, 3))
    inputs, outputs = groups * int(rng.integers(1, 3)), int(rng.integers(1, 3))
    weight = rng.integers(-4, 5, (inputs, outputs, *kernel))
    if kind == "fraction":
        weight = (
            weight.astype(object) * np.array([Fraction(1, n) for n in range(1, 6)])[rng.integers(5, size=weight.shape)]
        )
    is_free = bool(number % 2)
    weight = freed(weight, stride, dilation, groups) if is_free else weight
    span = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
    size = tuple(int(c // s + 3 + rng.integers(0, 2)) for c, s in zip(span, stride, strict=True))
    geometry = {
        "stride": stride,
        "dilation": dilation,
        "groups": groups,
        "padding": tuple(int(rng.integers(0, c + 1)) // 2 for c in span),
        "output_padding": tuple(int(rng.integers(0, max(s, d))) for s, d in zip(stride, dilation, strict=True)),
    }
    return weight, size, geometry, is_free


def check(report, answers, allowed, border=True):
    """Every output of the interior is the gain of its phase; amplitude, verdict and border are those of the outputs.

    `answers` are `(c_in, c_out, *positions)`, what the layer makes of a constant 1 in each input channel.
    """
    wanted = np.moveaxis(answers, (0, 1), (-1, -2))
    sizes = wanted.shape[:-2]
    phases = [(np.arange(n) + o) % p for n, o, p in zip(sizes, report.offset, report.period, strict=True)]
    gap = np.abs(wanted - np.asarray(report.dc_gain[np.ix_(*phases)], dtype=np.float64))
    inside = report.overlap.interior
    assert inside is not None
    assert gap[inside].max() <= allowed
    seen = wanted[inside].reshape(-1, *wanted.shape[-2:])
    ripple = float((seen.max(axis=0) - seen.min(axis=0)).max())
    assert abs(float(report.amplitude) - ripple) <= 2 * allowed
    assert report.is_free == (ripple <= 2 * allowed)
    assert all(period == 1 for period in report.period) == report.is_free
    if border:
        assert report.border_differs == bool(gap.max() > 2 * allowed)


def phases_of_taps(kernel, geometry):
    """The phase that each tap writes, one tap after another."""
    for tap in product(*map(range, kernel)):
        yield tuple(t * d % s for t, d, s in zip(tap, geometry["dilation"], geometry["stride"], strict=True))


def check_counts(overlap, kernel, size, geometry):
    """How often outputs are written: by PyTorch, and of each phase by counting its taps."""
    axes = len(size)
    alone = {**geometry, "groups": 1}
    ones = [torch.ones(1, 1, *sizes, dtype=torch.float64) for sizes in (size, kernel)]
    np.testing.assert_array_equal(overlap.counts, functional("conv_transpose", axes)(*ones, **alone)[0, 0].numpy())
    counted = Counter(phases_of_taps(kernel, geometry))
    assert overlap.period == geometry["stride"]
    assert {phase: int(count) for phase, count in np.ndenumerate(overlap.phase_counts)} == {
        phase: counted[phase] for phase in np.ndindex(*geometry["stride"])
    }


def least_squares(weight, geometry):
    """The nearest weight whose gains are equal in all phases: the least change that removes their differences."""
    kernel, kinds = weight.shape[2:], list(np.ndindex(*geometry["stride"]))
    gains = np.zeros((len(kinds), int(np.prod(kernel))))
    for number, phase in enumerate(phases_of_taps(kernel, geometry)):
        gains[kinds.index(phase), number] = 1
    differences = gains[1:] - gains[:1]
    flat = weight.astype(np.float64).reshape(-1, gains.shape[1]).T
    change = np.linalg.lstsq(differences, differences @ flat, rcond=None)[0] if len(differences) else 0 * flat
    return (flat - change).T.reshape(weight.shape)


def check_fix(report, weight, geometry):
    """The nearest free operator is free, and the one that least squares give."""
    fixed = report.nearest_free()
    assert cm.checkerboard(fixed).is_free
    eps = float(np.finfo(weight.dtype if weight.dtype.kind == "f" else np.float64).eps)
    allowed = 100 * eps * float(np.abs(weight).max())
    wanted = least_squares(weight, geometry)
    np.testing.assert_allclose(fixed.weight.astype(np.float64), wanted, rtol=0, atol=allowed)
    moved = float(np.linalg.norm(wanted - weight.astype(np.float64)))
    assert report.distance() == pytest.approx(moved, rel=1e-6 if eps > 1e-10 else 1e-12, abs=weight.size * allowed)


@pytest.mark.parametrize("kind", LAYERS)
def test_1000_transposed_layers(kind, rng):
    verdicts, is_exact = set(), kind in ("int", "fraction")
    for number in range(LAYERS[kind]):
        weight, size, geometry, is_free = random_layer(rng, number, kind)
        axes = len(size)
        if not is_exact:
            # Not a power of two: rounding is what the tolerance is for.
            weight = (weight * float(rng.uniform(0.5, 2) * 10.0 ** rng.integers(-3, 4))).astype(kind)
        taps = torch.tensor(weight.astype(np.float64))
        out = functional("conv_transpose", axes)(constants(weight.shape[0], size), taps, **geometry).numpy()
        report = cm.checkerboard(cm.conv_transpose(weight, size, **geometry))
        assert report.is_exact == is_exact
        assert report.is_free or not is_free
        check(report, out, 1e-12 if kind == "fraction" else report.tol, border=number % 3 == 0)
        check_counts(report.overlap, weight.shape[2:], size, geometry)
        check_fix(report, weight, geometry)
        verdicts.add((report.is_free, report.compensated, report.kills_constants))
    assert len(verdicts) >= 3


def random_step(rng, channels, size):
    """One layer of a stack: the operator and PyTorch's."""
    axes = len(size)
    which = rng.choice(["up", "up", "conv", "pool", "nearest", "linear"])
    if which == "up":
        kernel, stride = (tuple(rng.integers(1, most, axes).tolist()) for most in (5, 4))
        weight = rng.integers(-3, 4, (channels, 2, *kernel))
        if rng.integers(0, 2):
            weight = freed(weight, stride, (1,) * axes, 1)
        call = functional("conv_transpose", axes)
        return cm.conv_transpose(weight, size, stride=stride), lambda x: call(
            x, torch.tensor(weight).double(), stride=stride
        )
    if which == "conv":
        weight = rng.integers(-3, 4, (2, channels, *rng.integers(1, 4, axes)))
        stride = int(rng.integers(1, 3))
        conv = functional("conv", axes)
        return cm.conv(weight, size, stride=stride, padding=0), lambda x: conv(
            x, torch.tensor(weight).double(), stride=stride
        )
    if which == "pool":
        return cm.avg_pool((channels, *size), 2, stride=1), lambda x: functional("avg_pool", axes)(x, 2, stride=1)
    scale = float(rng.choice([1.5, 2, 3]))
    mode = "nearest" if which == "nearest" else LINEAR[axes]
    resize = torch.nn.functional.interpolate
    return cm.resize((channels, *size), scale, mode), lambda x: resize(x, scale_factor=scale, mode=mode)


def test_stacks_of_two_and_three_layers(rng):
    verdicts, seen = [], 0
    for number in range(STACKS):
        axes = 1 + number % 2
        size = (int(rng.integers(18, 24)),) if axes == 1 else (12, 13)
        op, x = None, constants(2, size)
        for _ in range(2 + number % 2):
            channels, *now = x.shape[1:]
            own, call = random_step(rng, channels, tuple(now))
            op, x = own if op is None else own @ op, call(x)
        report = cm.checkerboard(op)
        if report.overlap.interior is None or any(
            part.stop - part.start < p for part, p in zip(report.overlap.interior, report.overlap.period, strict=True)
        ):
            continue
        seen += 1
        verdicts.append(report.is_free)
        assert report.is_exact
        # Exact fractions on a plane take a second each.
        check(report, x.numpy(), 1e-11 * max(1.0, float(x.abs().max())), border=axes == 1)
    assert seen > STACKS * 0.8
    assert 0.1 < np.mean(verdicts) < 0.9


@pytest.mark.parametrize("number", range(40))
def test_the_input_gradient_of_a_strided_layer(number, rng):
    for _ in range(number):
        rng.integers(10)
    axes = 1 + number % 2
    kernel, stride = (tuple(rng.integers(1, most, axes).tolist()) for most in (5, 4))
    weight = rng.integers(-4, 5, (2, 3, *kernel))
    if number % 3 == 0:
        weight = freed(weight, stride, (1,) * axes, 1)
    size = tuple(s * 5 + k for s, k in zip(stride, kernel, strict=True))
    x = torch.zeros(1, 3, *size, dtype=torch.float64, requires_grad=True)
    y = functional("conv", axes)(x, torch.tensor(weight).double(), stride=stride)
    gradients = []
    for channel in range(2):
        sent = torch.zeros_like(y)
        sent[:, channel] = 1
        (gradient,) = torch.autograd.grad(y, x, sent, retain_graph=True)
        gradients.append(gradient[0].numpy())
    check(cm.checkerboard(cm.conv(weight, size, stride=stride).T), np.stack(gradients), 0.0)


@pytest.mark.parametrize("axes", [1, 2])
@pytest.mark.parametrize("equal", [True, False], ids=["equal sub-kernels", "random"])
def test_sub_pixel_convolution_with_its_bias(axes, equal, rng):
    size, parts = (7,) * axes, 2**axes
    weight = rng.integers(-3, 4, (2, 1 if equal else parts, 3, *[3] * axes))
    weight = np.repeat(weight, parts, axis=1) if equal else weight
    weight = weight.reshape(2 * parts, 3, *[3] * axes)
    bias = rng.integers(-3, 4, 2 * parts)
    bias[0] = bias[1] + 1
    op = cm.pixel_shuffle((2 * parts, *size), 2) @ cm.conv(weight, size, padding=1, bias=bias)
    assert cm.checkerboard(op, bias=np.zeros(2, dtype=int)).is_free == equal

    def layer(x):
        y = functional("conv", axes)(x, torch.tensor(weight).double(), torch.tensor(bias).double(), padding=1)
        # Torch shuffles pictures alone: a line is one of height 1 of which every second row is kept.
        if axes == 2:
            return torch.nn.functional.pixel_shuffle(y, 2)
        return y.reshape(len(y), 2, 2, -1).transpose(2, 3).reshape(len(y), 2, -1)

    added = layer(torch.zeros(1, 3, *size, dtype=torch.float64))[0].numpy()
    answers = layer(constants(3, size)).numpy() - added
    report = cm.checkerboard(op)
    inside = report.overlap.interior
    seen = added[(slice(None), *inside)].reshape(2, -1)
    assert report.bias_amplitude == (seen.max(axis=1) - seen.min(axis=1)).max() > 0
    assert not report.is_free
    assert "bias" in report.causes
    assert report.gains_are_even == equal
    spread = answers[(slice(None), slice(None), *inside)].reshape(6, -1)
    assert report.amplitude == (spread.max(axis=1) - spread.min(axis=1)).max()
