"""True deconvolution: the transpose blurs again, the pseudo-inverse blows the noise up, Tikhonov's way returns x."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import convmatrix as cm
from convmatrix.analysis.application import gray
from convmatrix.plots import style
from convmatrix.plots.photograph import read_photograph, sample_photograph

from ._sheet import TEXT, TITLE, Sheet

SECTION = "6"
STEP = 5
CAPTION = (
    "A photograph blurred by a Gaussian of 9x9 taps, and rounded to whole grey levels: that is all the noise there is. "
    "The transposed convolution, which is often called deconvolution, blurs once more. Least squares invert the blur "
    "and divide the rounding by singular values down to a billionth. Tikhonov's method leaves out what rounding has "
    "drowned, with alpha from cross-validation alone. Numbers are root mean squares of the difference from x; all "
    "pictures have one grey scale. The curves say what each method multiplies a part of y with, by its singular value."
)
KERNEL = "gaussian:size=9,sigma=1.5"
WINDOW = np.s_[40:296, 130:386]
SIDE = 2.56
"""Inches of 256 pixels, so that pixels stay pixels."""
COLUMNS, ROWS = (0.36, 3.22, 6.08), (1.02, 4.62)
METHODS = ("transpose", "least_squares", "tikhonov")


def photograph() -> np.ndarray:
    """The window of the photograph that is shown, in grey levels."""
    return gray(read_photograph(sample_photograph()))[WINDOW].astype(np.float64)


def blur(size: tuple[int, ...]) -> cm.TensorOperator:
    """What blurs it; beyond the window it sees the window mirrored."""
    return cm.conv(cm.kernel(KERNEL), size, padding="same", padding_mode="symmetric")


def draw() -> Figure:
    x = photograph()
    C = blur(x.shape)
    y = np.rint(C(x).astype(np.float64))
    found = {method: cm.deconvolve(C, y, method) for method in METHODS}
    sheet = Sheet(9.0, 7.55)
    head = "A transposed convolution does not undo a convolution; to invert it, noise must be reckoned with"
    sheet.say(head, 4.5, 0.24, fontsize=TITLE, weight="bold")
    _picture(sheet, 0, 0, "x: the photograph", "256 x 256 pixels", x, x)
    _picture(sheet, 0, 1, "y = C x: blurred", "and rounded to whole grey levels", y, x)
    _factors(sheet, C, found["tikhonov"])
    for column, (method, title, said) in enumerate(
        (
            ("transpose", "C\u1d40 y: blurred once more", "the transposed convolution"),
            ("least_squares", "C\u207a y: nothing but noise", "least squares, the pseudo-inverse"),
            ("tikhonov", "(C\u1d40C + \u03b1I)\u207b\u00b9 C\u1d40 y: sharp", "Tikhonov, \u03b1 by cross-validation"),
        )
    ):
        _picture(sheet, 1, column, title, said, found[method].x, x)
    return sheet.figure


def _picture(sheet: Sheet, row: int, column: int, title: str, said: str, pixels: np.ndarray, x: np.ndarray) -> None:
    """A photograph with what is to be seen above it, and how far it is from the original below."""
    left, top = COLUMNS[column], ROWS[row]
    ax = sheet.panel(left, top, SIDE, SIDE, title.split(":")[0])
    ax.imshow(pixels, cmap="gray", vmin=0, vmax=255, interpolation="nearest", aspect="auto")
    style.bare(ax)
    _head(sheet, left, top, title, said)
    off = float(np.sqrt(np.mean((pixels - x) ** 2)))
    if off:
        how = f"{off:.1f}" if off < 1000 else f"{float(f'{off:.2g}'):,.0f}"
        sheet.say(f"{how} grey levels off", left + SIDE / 2, top + SIDE + 0.15, weight="bold")


def _head(sheet: Sheet, left: float, top: float, title: str, said: str) -> None:
    sheet.say(title, left + SIDE / 2, top - 0.37, fontsize=TITLE - 0.5, weight="bold")
    sheet.say(said, left + SIDE / 2, top - 0.15)


def _factors(sheet: Sheet, C: cm.TensorOperator, tikhonov: Any) -> Axes:
    """What each method multiplies a part of `y` with, by its singular value."""
    left, top = COLUMNS[2], ROWS[0]
    _head(sheet, left, top, "What y is multiplied with", "by its singular value s: 1/s undoes C")
    ax = sheet.panel(left + 0.52, top, SIDE - 0.52, SIDE - 0.42, "factors")
    values = cm.singular_values(C)
    s = np.geomspace(values.smallest, values.largest, 300)
    for label, factor, look in (
        ("least squares: 1/s", 1 / s, {"color": "#bd1f01", "linestyle": "--"}),
        ("Tikhonov: s/(s\u00b2+\u03b1)", s / (s**2 + tikhonov.alpha), {"color": "#3f90da", "linewidth": 2.4}),
        ("transpose: s", s, {"color": "#717581", "linestyle": ":", "linewidth": 2}),
    ):
        ax.plot(s, factor, label=label, **look)
    ax.set(xscale="log", yscale="log", xlim=(values.smallest, values.largest))
    ax.set_xlabel("singular value s of C", fontsize=TEXT)
    ax.set_ylabel("factor", fontsize=TEXT)
    ax.tick_params(labelsize=8)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(lambda value, _: _power(value))
    ax.legend(frameon=False, fontsize=7.5, loc="upper right", bbox_to_anchor=(1.02, 1.02), handlelength=2.2)
    return ax


def _power(value: float) -> str:
    """A power of ten with an exponent that is large enough to be read."""
    return "10" + f"{round(np.log10(value))}".translate(
        str.maketrans("-0123456789", "\u207b\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079")
    )
