"""Signed arrays as coloured cells with their numbers: the panel that pictures of kernels and their parts share."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from convmatrix import exact
from convmatrix.plots import style

NUMBERED = 400
"""Cells up to which each may carry its number."""
_LONGEST = 18
"""Letters of an entry beyond which it is shown as three dots."""
_SHORT = 8
"""Letters of an exact number up to which it is written in full."""
_MOST_DIGITS = 2000
"""With which differences of roots are worked out."""
_IRRATIONAL = 4
"""The same for roots, among which decimals are read more easily."""
_PLAIN = (-2, 3)
"""Powers of ten of the largest entry between which numbers need no unit of their own."""
_FLOAT = 300
"""Powers of ten that a float holds without loss."""
COMPLEX = "Complex numbers are coloured by their magnitudes."
DOTS = "\u2026"


@dataclass(frozen=True)
class Scale:
    """The one colour scale of several panels: 0 in the middle, `ceiling` at both ends; how their numbers are written.

    Exact numbers are written in full where they are short; others to `decimals` decimals, in units of
    `10 ** power` where `power` is not None.
    """

    ceiling: Any
    power: int | None = None
    decimals: int | None = None

    @property
    def unit(self) -> str:
        """What to say beside numbers written in a unit of their own, or nothing."""
        return "" if self.power is None else f" in units of 1e{self.power}"

    def labels(self, array: np.ndarray) -> list[str]:
        """Each entry as short text."""
        return [self._label(value) for value in np.ma.getdata(array).reshape(-1).tolist()]

    def _label(self, value: Any) -> str:
        if exact.is_sympy(value):
            if self.power is not None and not value.free_symbols:
                return self._label(_number(value))
            said = label(value)
            short = value.free_symbols or len(said) <= (_SHORT if value.is_Rational else _IRRATIONAL)
            return said if short else self._label(_number(value))
        if self.decimals is None or isinstance(value, complex):
            return label(value)
        if self.power is not None:
            unit = Fraction(10) ** self.power
            return _fixed(float(Fraction(value) / unit), self.decimals) if value else "0"
        return label(value) if _is_short(value) else _fixed(float(value), self.decimals)

    def shares(self, array: np.ndarray) -> np.ndarray:
        """The entries as shares of the ceiling, in floats that neither overflow nor vanish; NaN for symbols."""
        values = np.abs(array) if array.dtype.kind == "c" else array
        return self.values(values)

    def values(self, array: np.ndarray) -> np.ndarray:
        """As `shares`, complex numbers staying so."""
        if array.dtype != object:
            return np.asarray(array) / float(self.ceiling)
        return np.array([_share(value, self.ceiling) for value in array.reshape(-1)], dtype=float).reshape(array.shape)


def scale_of(*arrays: np.ndarray) -> Scale:
    """The scale whose ceiling is the largest magnitude among all entries, 1 where none is a number other than 0."""
    magnitudes = [_magnitude(value) for array in arrays for value in np.ma.getdata(array).reshape(-1).tolist()]
    known = [value for value in magnitudes if value is not None]
    return Scale(max(known, default=0) or 1)


def scale_with_labels(*arrays: np.ndarray) -> Scale:
    """The same, with the digits that all of its numbers are written with."""
    scale = scale_of(*arrays)
    power = _power(scale.ceiling)
    values = [value for array in arrays for value in np.ma.getdata(array).reshape(-1).tolist()]
    if len(values) > NUMBERED * len(arrays):
        return replace(scale, decimals=max(0, min(2 - power, 3)))
    long = any(not exact.is_sympy(value) and not _is_short(value) for value in values)
    if long and not _PLAIN[0] <= power <= _PLAIN[1]:
        return replace(scale, power=power, decimals=2)
    return replace(scale, decimals=max(0, 2 - max(power, 0)) if power > -2 else 3)


def label(value: Any) -> str:
    """One number or expression as short text.

    >>> label(Fraction(1, 16)), label(123456789012345678901234), label(0.5)
    ('1/16', '1.2e+23', '0.5')
    """
    if not exact.is_sympy(value):
        return style.number(value) if isinstance(value, (float, complex)) or _is_short(value) else _rounded(value)
    said = str(value).replace(" ", "").replace("**", "^")
    said = re.sub(r"sqrt\((\w+)\)", "\u221a\\1", said).replace("sqrt", "\u221a")
    if len(said) <= _LONGEST:
        return said
    if value.free_symbols:
        return DOTS
    number = _number(value)
    return style.number(number) if isinstance(number, complex) else _rounded(number)


def draw_cells(
    ax: Any, array: np.ndarray, scale: Scale, given: dict[str, Any], *, size: float | None = None
) -> tuple[Any, bool]:
    """Draw a two-dimensional array, filling its axes; returns the image and whether its numbers are written.

    Parameters
    ----------
    ax : Axes
        Whose box has the shape wanted.
    array : ndarray
        `(rows, columns)` of numbers or SymPy expressions; masked cells stay empty.
    scale : Scale
        Shared by panels to be compared.
    given : dict
        The user's arguments of `imshow`.
    size : float, optional
        Of the numbers in points at most; by default the largest that fits.
    """
    filled = ~np.ma.getmaskarray(array)
    entries = np.ma.getdata(array)
    shares = np.ma.masked_array(np.zeros(entries.shape), mask=~filled)
    shares[filled] = scale.shares(entries[filled])
    symbols = filled & np.isnan(shares.filled(0))
    shares[symbols] = 0
    options = {"cmap": "RdBu_r", "vmin": -1, "vmax": 1, "interpolation": "nearest", "aspect": "auto"}
    if "norm" in given:
        del options["vmin"], options["vmax"]
    image = style.drawn(ax.imshow, shares, options=options, given=given)
    style.bare(ax)
    for spine in ax.spines.values() if filled.all() else ():
        spine.set(visible=True, color="#8a8a8a", linewidth=0.6)
    labels = scale.labels(entries[filled]) if filled.sum() <= NUMBERED else []
    own = style.common_size(labels, *style.cell_points(ax, *entries.shape))
    size = own if size is None or own is None else min(own, size)
    if not labels or size is None:
        return image, False
    for row, column, said in zip(*np.nonzero(filled), labels, strict=True):
        ink = style.ink_on(image.cmap(image.norm(shares[row, column]))[:3])
        ax.text(column, row, said, ha="center", va="center", fontsize=size, color=ink)
    return image, True


def side_by_side(array: np.ndarray) -> np.ma.MaskedArray[Any, Any]:
    """A filter's slices as one row, an empty column between neighbours; more than three axes as rows of these."""
    planes = array.reshape((-1, 1, *array.shape)[-max(array.ndim, 4) :]) if array.ndim < 4 else array
    planes = planes.reshape((math.prod(planes.shape[:-3]), *planes.shape[-3:]))
    return tiled(planes)


def tiled(planes: np.ndarray, gap: int = 1) -> np.ma.MaskedArray[Any, Any]:
    """Planes `(rows, columns, height, width)` on one canvas, `gap` empty cells apart."""
    down, across, height, width = planes.shape
    shape = down * (height + gap) - gap, across * (width + gap) - gap
    whole = np.ma.MaskedArray(np.zeros(shape, dtype=planes.dtype), mask=True)
    for row, column in np.ndindex(down, across):
        top, left = row * (height + gap), column * (width + gap)
        whole[top : top + height, left : left + width] = planes[row, column]
    return whole


def note(ax: Any, said: str, place: tuple[float, float], *, shift: tuple[float, float], **options: Any) -> None:
    """Write beside a place, `shift` points from it; `coords` as `xycoords` of `Axes.annotate`, by default data."""
    coords = options.pop("coords", "data")
    kept = {"annotation_clip": False, "clip_on": False, "fontsize": style.SMALL, **options}
    ax.annotate(said, place, xycoords=coords, xytext=shift, textcoords="offset points", **kept)


def explain_colors(figure: Any, image: Any, ax: Any, scale: Scale) -> None:
    """A colour bar in `ax`, for panels whose numbers are not written."""
    bar = figure.colorbar(image, cax=ax)
    if image.norm.vmin == -1 and image.norm.vmax == 1:
        ends = label(scale.ceiling)
        bar.set_ticks([-1, 0, 1], labels=[f"\u2212{ends}", "0", ends])
    bar.ax.tick_params(labelsize=style.SMALL, length=2)


def shares_of_largest(values: Sequence[Any]) -> np.ndarray:
    """Magnitudes, SymPy's too, as floats relative to the largest of them; zeros where all are 0.

    >>> shares_of_largest([2, Fraction(1, 2), 0])
    array([1.  , 0.25, 0.  ])
    """
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return np.abs(scale_of(array).shares(array))


def short(value: Any) -> str:
    """A number for a caption: exact ones as they are where short, the rest to three digits.

    >>> short(0.123456), short(Fraction(2, 3)), short(0)
    ('0.123', '2/3', '0')
    """
    if isinstance(value, (int, Fraction)) and _is_short(value):
        return str(value)
    if exact.is_sympy(value):
        if value.free_symbols or (value.is_Rational and len(str(value)) <= _SHORT):
            return label(value)
        value = _number(value)
    return _rounded(value, 3)


def _number(value: Any) -> Fraction | complex:
    """A SymPy number as one of Python's, to 20 digits; as a fraction, which never overflows, unless it is complex."""
    if value.is_Rational:
        return Fraction(int(value.p), int(value.q))
    return complex(value) if value.is_real is False else Fraction(str(value.evalf(20, maxn=_MOST_DIGITS)))


def _is_short(value: Any) -> bool:
    """Whether a number is exact, or a whole float, and written in few letters."""
    if isinstance(value, float):
        return value == 0 or (value.is_integer() and abs(value) < 1000)
    if isinstance(value, complex):
        return False
    # Looked at first: Python refuses to write integers of thousands of digits.
    return max(abs(value.numerator), value.denominator) < 10**_SHORT and len(str(value)) <= _SHORT


def _fixed(value: float, decimals: int) -> str:
    """So many decimals, without the sign of a rounded 0.

    >>> _fixed(-0.001, 2), _fixed(0.5, 2)
    ('0.00', '0.50')
    """
    said = f"{value:.{decimals}f}"
    return said.lstrip("-") if not said.strip("-0.") else said


def _power(value: Any) -> int:
    """The power of ten of a positive number's first digit."""
    if isinstance(value, (int, Fraction)):
        whole = Fraction(value)
        power = math.floor(math.log10(whole.numerator) - math.log10(whole.denominator))
        # The logarithm may be off by a little at a power of ten.
        return power + (whole >= Fraction(10) ** (power + 1)) - (whole < Fraction(10) ** power)
    return math.floor(math.log10(value))


def _rounded(value: Any, digits: int = 2) -> str:
    """A real number to so many digits, also where no float holds it.

    >>> _rounded(0.123), _rounded(Fraction(1, 3), 3), _rounded(10**400 - 1), _rounded(Fraction(-2, 10**400))
    ('0.12', '0.333', '1.0e+400', '-2.0e-400')
    """
    if isinstance(value, float):
        return f"{value:.{digits}g}"
    power = _power(abs(value)) if value else 0
    if abs(power) < _FLOAT:
        return f"{float(value):.{digits}g}"
    mantissa = float(Fraction(value) / Fraction(10) ** power)
    if abs(round(mantissa, digits - 1)) >= 10:
        mantissa, power = mantissa / 10, power + 1
    return f"{mantissa:.{digits - 1}f}e{power:+d}"


def _magnitude(value: Any) -> Any:
    """The magnitude of a number, exact where it is; None of a symbol."""
    if not exact.is_sympy(value):
        return abs(value)
    if value.free_symbols:
        return None
    return abs(_number(value))


def _share(value: Any, ceiling: Any) -> float:
    if exact.is_sympy(value):
        if value.free_symbols:
            return math.nan
        value = _number(value)
    if isinstance(value, complex):
        return abs(value) / float(ceiling)
    if isinstance(value, float) or isinstance(ceiling, float):
        return float(value) / float(ceiling)
    return float(Fraction(value) / Fraction(ceiling))
