"""Exact numbers: arrays of fractions and of SymPy expressions, and the way between them and floats.

NumPy holds such arrays with dtype object; SciPy's sparse arrays cannot. Integers stay int64, rationals are
`fractions.Fraction`, anything with a symbol or a radical is SymPy. SymPy is imported when first needed.
"""

from __future__ import annotations

import decimal
import math
import numbers
import sys
from fractions import Fraction
from typing import Any

import numpy as np

from convmatrix.errors import ConvMatrixError, SymbolicError

SYMPY_ENTRY_BYTES = 300
"""What one stored entry of a SymPy sparse matrix takes, measured with tracemalloc on SymPy 1.14 and rounded up."""


def as_array(values: Any, name: str = "weight") -> np.ndarray:
    """Any array-like as an array of numbers this package computes with.

    Small integers are widened to int64, so that no product wraps; float16 and bfloat16 become float32, which SciPy can
    hold; objects become int64, float64, complex128, or object arrays of `Fraction` or of SymPy expressions.

    Raises
    ------
    ConvMatrixError
        If the values are ragged or are not numbers.
    """
    array = values if type(values) is np.ndarray else _to_numpy(values, name)
    kind, itemsize = array.dtype.kind, array.dtype.itemsize
    if (kind == "f" and itemsize >= 4) or kind == "c" or array.dtype == np.int64:
        return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))
    if kind in "biu" and itemsize <= 8:
        if kind == "u" and itemsize == 8 and array.size and int(array.max()) > np.iinfo(np.int64).max:
            return array.astype(object)
        return array.astype(np.int64)
    if kind == "f" or array.dtype.name == "bfloat16":
        return array.astype(np.float32)
    if kind == "O":
        return _settle(array, name)
    raise ConvMatrixError(f"{name} must be made of numbers or SymPy expressions, got dtype {array.dtype}")


def is_sympy(value: Any) -> bool:
    """Whether `value` is a SymPy expression, asked without importing SymPy."""
    sympy = sys.modules.get("sympy")
    return sympy is not None and isinstance(value, sympy.Basic)


def is_symbolic(array: np.ndarray) -> bool:
    """Whether any entry is a SymPy expression (a symbol, a radical) and not a rational number."""
    return array.dtype == object and any(is_sympy(entry) for entry in array.flat)


def is_finite(array: np.ndarray) -> bool:
    """Whether no entry is NaN or infinite, nor a SymPy expression that holds one."""
    return first_not_finite(array) is None


def first_not_finite(array: np.ndarray) -> Any:
    """The first entry that is NaN or infinite, or a SymPy expression that holds one; None if all are finite.

    Examples
    --------
    >>> import numpy as np, sympy
    >>> from convmatrix.exact import first_not_finite
    >>> first_not_finite(np.array([1.0, np.inf])), first_not_finite(np.array([sympy.pi, sympy.nan]))
    (np.float64(inf), nan)
    """
    if array.dtype.kind in "iu":
        return None
    if array.dtype == object:
        return next((entry for entry in array.flat if is_sympy(entry) and _is_endless(entry)), None)
    finite = np.isfinite(array)
    return None if finite.all() else array[~finite][0]


def _is_endless(entry: Any) -> bool:
    if entry.is_Rational or entry.is_Symbol:
        return False
    import sympy

    return bool(entry.has(sympy.nan, sympy.zoo, sympy.oo, -sympy.oo))


def as_numbers(array: np.ndarray, dtype: Any, name: str = "weight") -> np.ndarray:
    """The array in a dtype SciPy holds: its own, or `dtype` where one is asked for.

    Raises
    ------
    SymbolicError
        For symbols always, for fractions where no `dtype` is given.
    ConvMatrixError
        If `dtype` is none SciPy holds or would lose the kind of number (float to int, complex to real).
    """
    if dtype is None:
        if array.dtype == object:
            raise SymbolicError(_refusal(array, name))
        return array
    wanted = read_dtype(dtype)
    if wanted.kind not in "iufc" or wanted == np.float16:
        raise ConvMatrixError(
            f"dtype must be one that scipy.sparse holds (int, float32, float64, complex), got {wanted}"
        )
    if array.dtype == object:
        if wanted.kind in "iu":
            raise SymbolicError(f"dtype must be a float type for fractions and SymPy expressions, got {wanted}")
        return _floats(array, wanted, name)
    if array.dtype.kind == "i" and wanted.kind in "iu":
        if array.size and (array.min() < np.iinfo(wanted).min or array.max() > np.iinfo(wanted).max):
            raise ConvMatrixError(f"dtype must hold every entry of the {name}, got {wanted}")
    elif not np.can_cast(array.dtype, wanted, "same_kind"):
        raise ConvMatrixError(f"dtype must keep the kind of number of the {name} ({array.dtype}), got {wanted}")
    return array.astype(wanted, copy=False)


def read_dtype(dtype: Any) -> np.dtype[Any]:
    """`dtype` as NumPy reads it, its refusal one of this package's errors."""
    try:
        return np.dtype(dtype)
    except TypeError:
        raise ConvMatrixError(f"dtype must be one that NumPy knows, got {dtype!r}") from None


def paired(weight: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both arrays ready to be multiplied: floats with floats, and exact values with exact values.

    Fractions meet floats as floats; a symbol makes both sides exact, floats as the dyadic rationals they are.
    """
    if weight.dtype != object and x.dtype != object:
        return weight, x
    if is_symbolic(weight) or is_symbolic(x):
        return as_exact(weight), as_exact(x)
    other = weight if x.dtype == object else x
    if other.dtype.kind in "fc":
        return (
            (weight, _floats(x, x_dtype(other), "x"))
            if x.dtype == object
            else (
                _floats(weight, x_dtype(other), "weight"),
                x,
            )
        )
    return weight.astype(object), x.astype(object)


def x_dtype(partner: np.ndarray) -> np.dtype[Any]:
    """The float type a fraction takes beside `partner`: its own."""
    return partner.dtype if partner.dtype.kind == "f" else np.dtype(partner.real.dtype)


def as_exact(array: np.ndarray) -> np.ndarray:
    """The array as objects that lose nothing: ints, fractions (floats as dyadic rationals), SymPy expressions."""
    if array.dtype == object:
        return array
    exact = np.empty(array.shape, dtype=object)
    convert = _exact_value if array.dtype.kind in "fc" else lambda value: value
    exact.reshape(-1)[:] = [convert(value) for value in array.ravel().tolist()]
    return exact


def to_sympy(value: Any) -> Any:
    """One entry as an exact SymPy number or expression."""
    import sympy

    if isinstance(value, Fraction):
        return sympy.Rational(value.numerator, value.denominator)
    if isinstance(value, (float, complex, np.floating, np.complexfloating)):
        return to_sympy(_exact_value(value))
    return sympy.sympify(value)


def as_scalar(value: Any) -> Any:
    """A factor of an operator: a NumPy or Python number, a Fraction or a SymPy expression."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, (bool, np.bool_)):
        return int(value)
    if isinstance(value, (int, float, complex, np.number, Fraction)):
        return value
    array = _settle(np.array([value], dtype=object), "the factor")
    return array[0] if array.dtype == object else array[0].item()


def _to_numpy(values: Any, name: str) -> np.ndarray:
    if hasattr(values, "detach") and hasattr(values, "cpu"):
        values = values.detach().cpu()
        if str(values.dtype).endswith("bfloat16"):
            values = values.float()
    elif hasattr(values, "__dlpack__") and not hasattr(values, "__array__"):
        return np.from_dlpack(values)
    try:
        array = np.asarray(values)
    except (ValueError, TypeError, OverflowError) as error:
        raise ConvMatrixError(f"{name} must be a rectangular array of numbers: {error}") from None
    if array.dtype.kind in "US":
        raise ConvMatrixError(f"{name} must be made of numbers or SymPy expressions, got text {str(array.flat[0])!r}")
    return array


def _settle(array: np.ndarray, name: str) -> np.ndarray:
    """An object array brought to the simplest type that holds it exactly; floats among numbers make all floats."""
    entries = [_plain(entry, name) for entry in array.flat]
    if any(is_sympy(entry) for entry in entries):
        entries = [to_sympy(entry) for entry in entries]
    elif any(isinstance(entry, (float, complex)) for entry in entries):
        dtype = complex if any(isinstance(entry, complex) for entry in entries) else float
        mixed = np.empty(len(entries), dtype=object)
        mixed[:] = entries
        return np.array([_float(entry, dtype, np.dtype(dtype), mixed, name) for entry in entries]).reshape(array.shape)
    elif any(isinstance(entry, Fraction) for entry in entries):
        entries = [Fraction(entry) for entry in entries]
    elif all(abs(entry) <= np.iinfo(np.int64).max for entry in entries):
        return np.array(entries, dtype=np.int64).reshape(array.shape)
    settled = np.empty(array.shape, dtype=object)
    settled.reshape(-1)[:] = entries
    return settled


def _plain(entry: Any, name: str) -> Any:
    """One object as int, Fraction, float, complex or a SymPy expression that is none of these."""
    if isinstance(entry, (bool, np.bool_)):
        return int(entry)
    if isinstance(entry, numbers.Integral):
        return int(entry)
    if isinstance(entry, (numbers.Rational, decimal.Decimal)):
        if isinstance(entry, decimal.Decimal) and not entry.is_finite():
            return float(entry)
        fraction = Fraction(entry)
        return fraction.numerator if fraction.denominator == 1 else fraction
    if is_sympy(entry):
        if entry.is_Rational:
            return int(entry) if entry.is_Integer else Fraction(int(entry.p), int(entry.q))
        if entry.is_Float:
            return float(entry)
        if not getattr(entry, "is_commutative", True) or not hasattr(entry, "as_coeff_Mul"):
            raise ConvMatrixError(f"{name} must be made of commuting SymPy expressions, got {entry!r}")
        return entry
    if isinstance(entry, numbers.Real):
        return float(entry)
    if isinstance(entry, numbers.Complex):
        return complex(entry)
    raise ConvMatrixError(f"{name} must be made of numbers or SymPy expressions, got {entry!r}")


def _exact_value(value: Any) -> Any:
    if isinstance(value, (complex, np.complexfloating)):
        import sympy

        real, imaginary = _exact_value(value.real), _exact_value(value.imag)
        return to_sympy(real) + sympy.I * to_sympy(imaginary)
    if not math.isfinite(value):
        raise ConvMatrixError(f"exact values must be finite, got {value!r}")
    fraction = Fraction(float(value))
    return fraction.numerator if fraction.denominator == 1 else fraction


def _floats(array: np.ndarray, dtype: np.dtype[Any], name: str) -> np.ndarray:
    convert = complex if dtype.kind == "c" else float
    numbers = [_float(entry, convert, dtype, array, name) for entry in array.flat]
    with np.errstate(over="ignore"):
        floats = np.array(numbers, dtype=dtype).reshape(array.shape)
    if not np.isfinite(floats).all():
        raise _misfit(array[~np.isfinite(floats)][0], dtype, name)
    return floats


def _float(entry: Any, convert: type, dtype: np.dtype[Any], array: np.ndarray, name: str) -> Any:
    try:
        return convert(entry)
    except TypeError:
        raise SymbolicError(_refusal(array, name)) from None
    except OverflowError:
        raise _misfit(entry, dtype, name) from None


def _misfit(entry: Any, dtype: np.dtype[Any], name: str) -> ConvMatrixError:
    """The refusal of an entry beyond a float type, in few digits: there may be thousands."""
    if is_sympy(entry):
        shown = str(entry.evalf(3))
    else:
        power = math.floor(math.log10(abs(entry.numerator)) - math.log10(entry.denominator))
        shown = f"about {'-' if entry < 0 else ''}1e{power}"
    return ConvMatrixError(f"{name} entries must fit a {dtype}, got {shown}")


def _refusal(array: np.ndarray, name: str) -> str:
    symbols = sorted({str(symbol) for entry in array.flat if is_sympy(entry) for symbol in entry.free_symbols})
    if symbols:
        shown = ", ".join(symbols[:4]) + (", ..." if len(symbols) > 4 else "")
        return f"{name} must be numeric for a SciPy matrix, got the symbols {shown}: use tosympy() for the exact matrix"
    return f"{name} holds exact fractions, which SciPy cannot: pass dtype=float, or use tosympy() for the exact matrix"
