"""Named kernels: each builds, says what it is, and refuses wrong parameters in so many words."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest

from convmatrix.errors import KernelError
from convmatrix.kernels import KernelInfo, KernelParameter, kernel, kernel_info, kernel_names

# Default shape, and the sum of the entries where the description promises one.
DEFAULTS: dict[str, tuple[tuple[int, ...], int | None]] = {
    "article": ((3, 3), None),
    "bicubic": ((8, 8), 4),
    "bilinear": ((4, 4), 4),
    "binomial": ((3, 3), 1),
    "binomial1d": ((3,), 1),
    "box": ((3, 3), 1),
    "box1d": ((3,), 1),
    "central_difference_x": ((1, 3), 0),
    "central_difference_y": ((3, 1), 0),
    "cubic1d": ((8,), 2),
    "derivative": ((3,), 0),
    "difference_of_gaussians": ((13, 13), 0),
    "disk": ((7, 7), 1),
    "edge": ((3, 3), 0),
    "emboss": ((3, 3), 1),
    "gabor": ((9, 9), None),
    "gaussian": ((9, 9), 1),
    "gaussian1d": ((9,), 1),
    "gaussian3": ((3, 3), 1),
    "gaussian5": ((5, 5), 1),
    "identity": ((3, 3), 1),
    "kirsch": ((3, 3), 0),
    "lanczos": ((12, 12), 4),
    "lanczos1d": ((12,), 2),
    "laplacian3d": ((3, 3, 3), 0),
    "laplacian4": ((3, 3), 0),
    "laplacian8": ((3, 3), 0),
    "laplacian9": ((3, 3), 0),
    "laplacian_of_gaussian": ((9, 9), 0),
    "line": ((3, 3), 0),
    "linear1d": ((4,), 2),
    "mexican_hat": ((5, 5), 0),
    "motion": ((5, 5), 1),
    "nearest": ((2, 2), 4),
    "prewitt_x": ((3, 3), 0),
    "prewitt_y": ((3, 3), 0),
    "roberts_x": ((2, 2), 0),
    "roberts_y": ((2, 2), 0),
    "robinson": ((3, 3), 0),
    "savitzky_golay": ((5,), 1),
    "scharr_x": ((3, 3), 0),
    "scharr_y": ((3, 3), 0),
    "sharpen": ((3, 3), 1),
    "sobel5_x": ((5, 5), 0),
    "sobel5_y": ((5, 5), 0),
    "sobel_x": ((3, 3), 0),
    "sobel_y": ((3, 3), 0),
    "unsharp": ((5, 5), 1),
    "window": ((9,), 1),
}


def test_the_table_above_is_complete() -> None:
    assert kernel_names() == sorted(DEFAULTS)


@pytest.mark.parametrize("name", DEFAULTS)
def test_default_shape_sum_and_type(name: str) -> None:
    shape, total = DEFAULTS[name]
    taps = kernel(name)
    assert taps.shape == shape
    assert np.isfinite(taps.astype(float)).all()
    if kernel_info(name).exact:
        assert taps.dtype == np.int64 or {type(tap) for tap in taps.flat} == {Fraction}
        assert total is None or sum(taps.ravel().tolist()) == total
    else:
        assert taps.dtype == np.float64
        assert total is None or taps.sum() == pytest.approx(total, abs=1e-14)


@pytest.mark.parametrize("name", DEFAULTS)
def test_info_describes_and_its_usage_builds_the_same(name: str) -> None:
    info = kernel_info(name)
    assert isinstance(info, KernelInfo)
    assert info.name == name
    assert info.description
    assert info.reference
    assert "\n" not in info.description + info.reference
    assert np.array_equal(kernel(info.usage), kernel(name))
    for alias in info.aliases:
        assert kernel_info(alias) is info
        assert np.array_equal(kernel(alias), kernel(name))
    assert str(info).startswith(info.usage)
    assert json.loads(json.dumps(info.to_dict()))["usage"] == info.usage


def test_info_of_a_family() -> None:
    info = kernel_info("derivative")
    assert info.exact
    assert info.parameters == (
        KernelParameter("order", "1", "a whole number from 1 to 10"),
        KernelParameter("accuracy", "2", "an even number from 2 to 20"),
    )
    assert info.to_dict()["parameters"][1] == {
        "name": "accuracy",
        "default": "2",
        "rule": "an even number from 2 to 20",
    }
    assert "also called laplacian, laplacian_4" in str(kernel_info("laplacian4"))


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("gaussian:size=5,sigma=1", (5, 5)),
        ("gaussian:size=5x3", (5, 3)),
        ("gaussian:size=5X3", (5, 3)),
        ("gaussian:size=3x3x3", (3, 3, 3)),
        ("gaussian:sigma=1/2", (5, 5)),
        ("gaussian:sigma=2", (17, 17)),
        (" Gaussian : sigma = 0.5 , size = 4 ", (4, 4)),
        ("identity:size=1x5", (1, 5)),
        ("box:size=2", (2, 2)),
        ("box:size=1", (1, 1)),
        ("binomial:size=2x1", (2, 1)),
        ("laplacian_of_gaussian:size=3x5x7", (3, 5, 7)),
        ("difference_of_gaussians:sigma=2,ratio=2", (33, 33)),
        ("gabor:size=5x7,theta=-45", (5, 7)),
        ("disk:radius=0.25", (1, 1)),
        ("disk:radius=2.5", (5, 5)),
        ("disk:radius=2.6", (7, 7)),
        ("motion:size=7,direction=horizontal", (7, 7)),
        ("bilinear:factor=3", (5, 5)),
        ("bilinear:factor=1", (1, 1)),
        ("cubic1d:factor=3", (11,)),
        ("lanczos1d:a=2,factor=3", (11,)),
        ("lanczos:a=1,factor=1", (1, 1)),
        ("derivative:order=2,accuracy=4", (5,)),
        ("derivative:order=3", (5,)),
        ("SOBEL_X", (3, 3)),
    ],
)
def test_parameters_shape_the_kernel(text: str, shape: tuple[int, ...]) -> None:
    assert kernel(text).shape == shape


REFUSED = {
    "sobelx": "name must be one that kernel_names.. lists, got the unknown name 'sobelx'; did you mean sobel_",
    "gausian:size=5": "did you mean gaussian",
    "laplacian_5": "did you mean laplacian_9 or laplacian_8 or laplacian_4",
    "zzzzzz": "got the unknown name 'zzzzzz'$",
    "__import__": "name must be one that",
    "x" * 500: "name must be one that",
    "sobel_x:": "parameters must be written name=value,name=value, got ''",
    "gaussian:5": "parameters must be written name=value,name=value, got '5'",
    "gaussian:size=": "got 'size='",
    "gaussian:size=5,": "got ''",
    "gaussian:sgima=1": r"gaussian parameters must be among those it takes \(size, sigma\), got 'sgima'",
    "sobel_x:size=5": r"sobel_x parameters must be among those it takes \(none\), got 'size'",
    "gaussian:sigma=1,sigma=2": "gaussian parameters must each be given once, got sigma twice",
    "gaussian:size=0": "gaussian size must be sizes from 1 to 4097, written 5, 5x3 or 3x3x3, or auto, got '0'",
    "gaussian:size=-1": "gaussian size must be sizes from 1",
    "gaussian:size=5000": "got '5000'",
    "gaussian:size=999x999x999": "got '999x999x999'",
    "gaussian:size=3x3x3x3": "got '3x3x3x3'",
    "gaussian:size=2.5": r"got '2\.5'",
    "gaussian:sigma=0": "gaussian sigma must be a finite number greater than 0, got '0'",
    "gaussian:sigma=-1": "gaussian sigma must be a finite number greater than 0",
    "gaussian:sigma=nan": "gaussian sigma must be a finite number greater than 0, got 'nan'",
    "gaussian:sigma=1e-400": "got '1e-400'",
    "gaussian:sigma=1e400": "got '1e400'",
    "gaussian:sigma=a": "got 'a'",
    "gaussian:sigma=1/0": "got '1/0'",
    "gaussian:sigma=1000": "gaussian size must be at most 4097, got size=auto with sigma=1000",
    "gaussian1d:size=5x5": "gaussian1d size must be a whole number from 1 to 4097, or auto, got '5x5'",
    "identity:size=4": "identity size must be odd sizes from 1 to 4097",
    "log:size=4": "laplacian_of_gaussian size must be odd sizes",
    "log:sigma=1e-300": "parameters must be moderate enough for finite entries, got 'log:sigma=1e-300'",
    "dog:ratio=1": "difference_of_gaussians ratio must be a finite number greater than 1, got '1'",
    "gabor:size=3x3x3": "gabor size must have at most two parts, got 3x3x3",
    "disk:radius=1e9": "disk radius must be at most 2048.5",
    "disk:radius=2049": "disk radius must be at most 2048.5, got 2049",
    "kirsch:direction=up": "kirsch direction must be one of n, ne, e, se, s, sw, w, nw, got 'up'",
    "derivative:order=0": "derivative order must be a whole number from 1 to 10, got '0'",
    "derivative:accuracy=3": "derivative accuracy must be an even number from 2 to 20, got '3'",
    "savgol:size=4": "savitzky_golay size must be an odd number from 1 to 101, got '4'",
    "savgol:polyorder=5": "savitzky_golay polyorder must be below size=5, got 5",
    "savgol:deriv=3": "savitzky_golay deriv must be at most polyorder=2, got 3",
    "window:name=hat": "window name must be one of barthann, .*, got 'hat'",
    "window:name=kaiser": "window shape must be given for kaiser, as in window:name=kaiser,size=9,shape=2",
    "window:shape=2": "window shape must be none for hann, got 2",
    "window:size=2": "window size must leave hann a sum other than 0, got 2",
    "window:name=dpss,shape=40": "window shape and size must suit dpss, got shape=40.0, size=9",
}


@pytest.mark.parametrize(("text", "message"), REFUSED.items(), ids=[text[:40] for text in REFUSED])
def test_refused_with_a_reason(text: str, message: str) -> None:
    with pytest.raises(KernelError, match=message) as caught:
        kernel(text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_info_of_an_unknown_name() -> None:
    with pytest.raises(KernelError, match="did you mean scharr_x"):
        kernel_info("schar_x")


@pytest.mark.parametrize("text", ["gaussian:size=4,sigma=1e-9", "gaussian1d:size=3,sigma=1e-300", "disk:radius=1e-300"])
def test_tiny_widths_stay_finite(text: str) -> None:
    assert kernel(text).sum() == pytest.approx(1)
