"""Fixed kernels, written out. All are correlated with the picture, rows run downwards, columns to the right."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

from numpy.typing import NDArray

from convmatrix.kernels.arrays import exact_array
from convmatrix.kernels.literal import read_literal
from convmatrix.kernels.references import BURT, GONZALEZ
from convmatrix.kernels.registry import named


class _Fixed(NamedTuple):
    description: str
    rows: str
    reference: str
    divisor: int = 1
    aliases: tuple[str, ...] = ()


_SOBEL = "Sobel & Feldman (1968), reprinted in Sobel (2014), An isotropic 3x3 image gradient operator"
_SOBEL5 = "OpenCV documentation, getDerivKernels: binomial smoothing times binomial difference, 5 taps"
_PREWITT = "Prewitt (1970), Object enhancement and extraction"
_SCHARR = "Scharr (2000), Optimale Operatoren in der digitalen Bildverarbeitung"
_ROBERTS = "Roberts (1965), Machine perception of three-dimensional solids"
_COLLATZ = "Collatz (1960), The numerical treatment of differential equations"
_BAI = "Bai (2019), A comprehensive introduction to different types of convolutions, section 2.1"

_TABLE = {
    "article": _Fixed("the 3x3 kernel of the article's worked example", "0 1 2; 2 2 0; 0 1 2", _BAI),
    "central_difference_x": _Fixed("half the difference of the neighbours left and right", "-1 0 1;", GONZALEZ, 2),
    "central_difference_y": _Fixed("half the difference of the neighbours above and below", "-1; 0; 1", GONZALEZ, 2),
    "sobel_x": _Fixed(
        "[1, 2, 1]^T [-1, 0, 1]: positive where brightness grows to the right", "-1 0 1; -2 0 2; -1 0 1", _SOBEL
    ),
    "sobel_y": _Fixed(
        "[-1, 0, 1]^T [1, 2, 1]: positive where brightness grows downwards", "-1 -2 -1; 0 0 0; 1 2 1", _SOBEL
    ),
    "sobel5_x": _Fixed(
        "[1, 4, 6, 4, 1]^T [-1, -2, 0, 2, 1]: positive where brightness grows to the right",
        "-1 -2 0 2 1; -4 -8 0 8 4; -6 -12 0 12 6; -4 -8 0 8 4; -1 -2 0 2 1",
        _SOBEL5,
    ),
    "sobel5_y": _Fixed(
        "[-1, -2, 0, 2, 1]^T [1, 4, 6, 4, 1]: positive where brightness grows downwards",
        "-1 -4 -6 -4 -1; -2 -8 -12 -8 -2; 0 0 0 0 0; 2 8 12 8 2; 1 4 6 4 1",
        _SOBEL5,
    ),
    "prewitt_x": _Fixed(
        "[1, 1, 1]^T [-1, 0, 1]: positive where brightness grows to the right", "-1 0 1; -1 0 1; -1 0 1", _PREWITT
    ),
    "prewitt_y": _Fixed(
        "[-1, 0, 1]^T [1, 1, 1]: positive where brightness grows downwards", "-1 -1 -1; 0 0 0; 1 1 1", _PREWITT
    ),
    "scharr_x": _Fixed(
        "[3, 10, 3]^T [-1, 0, 1]: positive where brightness grows to the right", "-3 0 3; -10 0 10; -3 0 3", _SCHARR
    ),
    "scharr_y": _Fixed(
        "[-1, 0, 1]^T [3, 10, 3]: positive where brightness grows downwards", "-3 -10 -3; 0 0 0; 3 10 3", _SCHARR
    ),
    "roberts_x": _Fixed("brightness difference along the main diagonal", "1 0; 0 -1", _ROBERTS),
    "roberts_y": _Fixed("brightness difference along the other diagonal", "0 1; -1 0", _ROBERTS),
    "laplacian4": _Fixed(
        "second differences along rows and columns, summed; sums to 0",
        "0 1 0; 1 -4 1; 0 1 0",
        GONZALEZ,
        aliases=("laplacian", "laplacian_4"),
    ),
    "laplacian8": _Fixed(
        "the same with both diagonals; sums to 0", "1 1 1; 1 -8 1; 1 1 1", GONZALEZ, aliases=("laplacian_8",)
    ),
    "laplacian9": _Fixed(
        "nine-point Laplacian whose leading error is isotropic; sums to 0",
        "1 4 1; 4 -20 4; 1 4 1",
        _COLLATZ,
        6,
        ("laplacian_9",),
    ),
    "laplacian3d": _Fixed(
        "second differences along the three axes of a volume, summed; sums to 0",
        "0 0 0; 0 1 0; 0 0 0 | 0 1 0; 1 -6 1; 0 1 0 | 0 0 0; 0 1 0; 0 0 0",
        _COLLATZ,
    ),
    "edge": _Fixed(
        "minus laplacian8: outlines, bright on the inside; sums to 0",
        "-1 -1 -1; -1 8 -1; -1 -1 -1",
        GONZALEZ,
        aliases=("outline",),
    ),
    "mexican_hat": _Fixed(
        "integer approximation of minus a Laplacian of Gaussian; sums to 0",
        "0 0 -1 0 0; 0 -1 -2 -1 0; -1 -2 16 -2 -1; 0 -1 -2 -1 0; 0 0 -1 0 0",
        "Gonzalez & Woods, Digital image processing, chapter 10",
    ),
    "sharpen": _Fixed("the picture minus laplacian4; sums to 1", "0 -1 0; -1 5 -1; 0 -1 0", GONZALEZ),
    "unsharp": _Fixed(
        "twice the picture minus gaussian5, in 256ths; sums to 1",
        "-1 -4 -6 -4 -1; -4 -16 -24 -16 -4; -6 -24 476 -24 -6; -4 -16 -24 -16 -4; -1 -4 -6 -4 -1",
        GONZALEZ,
        256,
    ),
    "emboss": _Fixed("slope towards the lower right, plus the picture; sums to 1", "-2 -1 0; -1 1 1; 0 1 2", GONZALEZ),
    "gaussian3": _Fixed(
        "[1, 2, 1]^T [1, 2, 1] / 16: stands for a Gaussian; sums to 1", "1 2 1; 2 4 2; 1 2 1", BURT, 16
    ),
    "gaussian5": _Fixed(
        "[1, 4, 6, 4, 1]^T [1, 4, 6, 4, 1] / 256: stands for a Gaussian; sums to 1",
        "1 4 6 4 1; 4 16 24 16 4; 6 24 36 24 6; 4 16 24 16 4; 1 4 6 4 1",
        BURT,
        256,
    ),
}


def _enter(name: str, fixed: _Fixed) -> None:
    @named(name, fixed.description, fixed.reference, exact=True, aliases=fixed.aliases)
    def build() -> NDArray[Any]:
        literal = read_literal(fixed.rows)
        return exact_array([Fraction(cell, fixed.divisor) for cell in literal.cells], literal.shape)


for _name, _fixed in _TABLE.items():
    _enter(_name, _fixed)
