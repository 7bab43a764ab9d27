"""The count of a phase in closed form, in the symbols of one axis."""

from __future__ import annotations

import math
import operator
from functools import cache
from typing import Any

from convmatrix.errors import ConvMatrixError


def overlap_formula(kernel_size: Any = "k", stride: Any = "s", dilation: Any = "d", phase: Any = "f") -> Any:
    """How many taps of a transposed convolution reach phase `f` of an axis, in closed form.

    With `g = gcd(d, s)`, phase `f` is written only if `g` divides it; then the taps are those with
    `t = (f/g) * (d/g)^(-1) (mod s/g)`, and there are::

        ceil((k - (f/g * (d/g)^(-1) mod s/g)) / (s/g))

    Parameters
    ----------
    kernel_size, stride, dilation : int, SymPy expression or name, default "k", "s", "d"
        Of one axis, at least 1. A name becomes a positive integer symbol.
    phase : int, SymPy expression or name, default "f"
        (Output position + padding before) modulo the stride; any integer is taken modulo it.

    Returns
    -------
    SymPy expression
        An `Integer` where all four are integers.

    Raises
    ------
    ConvMatrixError
        If an argument is no integer, is below 1 where it must not be, or is no name.

    Examples
    --------
    >>> overlap_formula(dilation=1)
    ceiling((k - Mod(f, s))/s)
    >>> overlap_formula(3, 2, 1, 0), overlap_formula(3, 2, 1, 1), overlap_formula(3, 2, 2, 1)
    (2, 1, 0)
    """
    import sympy

    k, s, d = _positive(kernel_size, "kernel_size"), _positive(stride, "stride"), _positive(dilation, "dilation")
    f = _read(phase, "phase", {"integer": True})
    common, inverse = _functions()
    g = common(d, s)
    first = sympy.Mod(f / g * inverse(d / g, s / g), s / g)
    reached = sympy.ceiling((k - first) * g / s)
    return sympy.Piecewise((reached, sympy.Eq(sympy.Mod(f, g), 0)), (0, True))


def overlap_ratio(kernel_size: Any = "k", stride: Any = "s", dilation: Any = "d") -> Any:
    """The largest count of an axis by the smallest, in closed form; infinite where a phase is never written.

    `ceil(k/s) / floor(k/s)` where `gcd(d, s) = 1` and `k >= s`; over several axes the ratios multiply.

    Parameters
    ----------
    kernel_size, stride, dilation : int, SymPy expression or name, default "k", "s", "d"
        As in `overlap_formula`.

    Returns
    -------
    SymPy expression

    Raises
    ------
    ConvMatrixError
        If an argument is no integer, is below 1, or is no name.

    Examples
    --------
    >>> overlap_ratio(3, 2, 1), overlap_ratio(4, 2, 1), overlap_ratio(3, 2, 2)
    (2, 1, oo)
    """
    import sympy

    k, s, d = _positive(kernel_size, "kernel_size"), _positive(stride, "stride"), _positive(dilation, "dilation")
    common, _ = _functions()
    written = sympy.And(sympy.Eq(common(d, s), 1), sympy.Ge(k, s))
    if written == sympy.false:
        return sympy.oo
    return sympy.Piecewise((sympy.ceiling(k / s) / sympy.floor(k / s), written), (sympy.oo, True))


def _positive(value: Any, name: str) -> Any:
    read = _read(value, name, {"integer": True, "positive": True})
    if read.is_positive is False:
        raise ConvMatrixError(f"{name} must be at least 1, got {value}")
    return read


def _read(value: Any, name: str, assumptions: dict[str, bool]) -> Any:
    """An integer, an expression or a name as SymPy has it."""
    import sympy

    if isinstance(value, str):
        if not value.isidentifier():
            raise ConvMatrixError(f"{name} must be an integer, a SymPy expression or a name, got {value!r}")
        return sympy.Symbol(value, **assumptions)
    if isinstance(value, sympy.Expr) and value.is_integer is not False and not value.is_number:
        return value
    try:
        if isinstance(value, bool):
            raise TypeError
        return sympy.Integer(operator.index(value))
    except TypeError:
        raise ConvMatrixError(f"{name} must be an integer, a SymPy expression or a name, got {value!r}") from None


@cache
def _functions() -> tuple[Any, Any]:
    """The greatest common divisor and the modular inverse, which SymPy has for polynomials and numbers only."""
    import sympy

    class CommonDivisor(sympy.Function):  # type: ignore[misc]
        """`gcd(a, b)` of positive integers, known once both are."""

        nargs = 2
        is_integer = True
        is_positive = True

        @classmethod
        def eval(cls, a: Any, b: Any) -> Any:
            if a.is_Integer and b.is_Integer:
                return sympy.Integer(math.gcd(int(a), int(b)))
            return sympy.S.One if 1 in (a, b) else a if a == b else None

        def _latex(self, printer: Any) -> str:
            return rf"\gcd\left({', '.join(map(printer.doprint, self.args))}\right)"

        def _sympystr(self, printer: Any) -> str:
            return f"gcd({', '.join(map(printer.doprint, self.args))})"

    class ModularInverse(sympy.Function):  # type: ignore[misc]
        """The number from 0 to `m - 1` that times `a` is 1 modulo `m`, known once both are."""

        nargs = 2
        is_integer = True
        is_nonnegative = True

        @classmethod
        def eval(cls, a: Any, m: Any) -> Any:
            if m == 1:
                return sympy.S.Zero
            if a.is_Integer and m.is_Integer and math.gcd(int(a), int(m)) == 1:
                return sympy.Integer(pow(int(a), -1, int(m)))
            # Modulo 1 it is 0, but there everything is.
            return sympy.S.One if a == 1 else None

        def _latex(self, printer: Any) -> str:
            a, m = map(printer.doprint, self.args)
            return rf"\left({a}\right)^{{-1}}_{{\bmod {m}}}"

        def _sympystr(self, printer: Any) -> str:
            return f"inverse({', '.join(map(printer.doprint, self.args))})"

    return CommonDivisor, ModularInverse
