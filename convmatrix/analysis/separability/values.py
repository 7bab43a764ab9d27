"""Singular values, decompositions and errors behind `Separability`: one class for each kind of kernel, all alike."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, localcontext
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from convmatrix import exact
from convmatrix.analysis.separability import closed_form, numerical
from convmatrix.analysis.separability.spectrum import ExactSpectrum, exact_spectrum
from convmatrix.errors import SymbolicError

Term = tuple[Any, np.ndarray, np.ndarray]


class Values(Protocol):
    """What `Separability` asks of its kernel's singular values."""

    @property
    def form(self) -> str:
        """How the singular values are written."""

    @property
    def singular_values(self) -> Any:
        """All `min(shape)` of them, descending."""

    @property
    def decimals(self) -> Sequence[Any] | None:
        """The same for the eye: floats or Decimals."""

    @property
    def svd(self) -> tuple[Term, ...] | None:
        """Triples `(sigma, u, v)`."""

    @property
    def characteristic(self) -> Any:
        """`det(lambda - K K^H)`."""

    def error(self, r: int, norm: str) -> Any:
        """The error of the best rank r."""

    def approximate(self, r: int) -> np.ndarray:
        """The best rank r."""


class FloatValues:
    """Of a kernel in floating point, or of an exact one whose numerical rank was asked for."""

    form = "floats"
    characteristic = None

    def __init__(self, kernel: np.ndarray) -> None:
        self._kernel = kernel

    @cached_property
    def svd(self) -> tuple[Term, ...]:
        """All `min(shape)` triples, K the sum of `sigma * outer(u, conj(v))`."""
        return tuple((sigma, u, row.conj()) for sigma, u, row in numerical.decomposition(self._kernel)[1])

    @cached_property
    def singular_values(self) -> np.ndarray:
        """Descending float64."""
        values = np.array([sigma for sigma, _, _ in self.svd])
        values.setflags(write=False)
        return values

    @property
    def decimals(self) -> Sequence[float]:
        """The values themselves."""
        return [float(value) for value in self.singular_values]

    def error(self, r: int, norm: str) -> float:
        """As a float."""
        return float(numerical.tail_norm(self.singular_values, r, norm))

    def approximate(self, r: int) -> np.ndarray:
        """In the kernel's own float type, float64 for an exact kernel."""
        return best_in_floats(self._kernel, r)


class RationalValues:
    """Of a kernel of integers or fractions: exact, or in floating point where that would take too long."""

    def __init__(self, kernel: np.ndarray, terms: Sequence[Term]) -> None:
        self._kernel, self._terms = kernel, terms

    @cached_property
    def spectrum(self) -> ExactSpectrum | None:
        """The exact values, or None."""
        return exact_spectrum(self._kernel, self._terms)

    @property
    def form(self) -> str:
        """`"radicals"`, `"algebraic numbers"` or `"floats"`."""
        return "floats" if self.spectrum is None else self.spectrum.form

    @cached_property
    def singular_values(self) -> Any:
        """SymPy expressions, or float64 in the form `"floats"`."""
        return self._rounded if self.spectrum is None else self.spectrum.values

    @property
    def decimals(self) -> Sequence[Any]:
        """To 20 digits where exact, as `Decimal`, which has no largest number."""
        if self.spectrum is not None:
            return self.spectrum.decimals
        values, exponent = self._relative
        with localcontext() as context:
            context.prec, context.Emax, context.Emin = 17, 10**9, -(10**9)
            return [Decimal(value) * Decimal(2) ** exponent for value in values.tolist()]

    @cached_property
    def _rounded(self) -> np.ndarray:
        values = numerical.fitting(*self._relative)
        values.setflags(write=False)
        return values

    @cached_property
    def _relative(self) -> tuple[np.ndarray, int]:
        """Singular values at size 1 and the power of 2 taken out; those beyond the rank, which is proved, are 0."""
        array, exponent = numerical.normalised(self._kernel)
        values = np.linalg.svd(array, compute_uv=False)
        values[len(self._terms) :] = 0
        return values, exponent

    @cached_property
    def directions(self) -> tuple[closed_form.Direction, ...] | None:
        """The singular directions in closed form, or None."""
        return None if self.spectrum is None else closed_form.directions(self.spectrum)

    @cached_property
    def svd(self) -> tuple[Term, ...] | None:
        """As many triples as the rank, or None."""
        if self.spectrum is None or self.directions is None:
            return None
        return closed_form.triples(self.spectrum, self.directions)

    @cached_property
    def characteristic(self) -> Any:
        """A SymPy expression in `lambda`; None in the form `"floats"`."""
        if self.spectrum is None:
            return None
        import sympy

        x, square = sympy.Symbol("lambda"), exact.to_sympy(self.spectrum.content**2)
        rows, rank = self._kernel.shape[0], len(self._terms)
        terms = [c * square**k * x ** (rows - k) for k, c in enumerate(self.spectrum.characteristic[: rank + 1])]
        return sympy.Add(*terms)

    def error(self, r: int, norm: str) -> Any:
        """A SymPy expression, or a float in the form `"floats"`."""
        rank = len(self._terms)
        if self.spectrum is None:
            return float(numerical.tail_norm(self._rounded, r, norm))
        import sympy

        if r >= rank:
            return sympy.S.Zero
        if norm == "spectral" or r == rank - 1:
            return self.spectrum.values[r]
        squares = self.spectrum.squares
        if rank - r <= r:
            rest = sympy.Add(*squares[r:rank])
        else:
            total = exact.to_sympy(self.spectrum.content**2 * -self.spectrum.characteristic[1])
            rest = total - sympy.Add(*squares[:r])
        # To look for factors SymPy would compute the algebraic numbers, which can take seconds.
        return sympy.Pow(rest, sympy.S.Half, evaluate=self.form == "radicals" or r == 0)

    def approximate(self, r: int) -> np.ndarray:
        """Exact where the decomposition is, otherwise float64."""
        if r >= len(self._terms):
            return self._kernel.copy()
        if r == 0:
            return np.zeros(self._kernel.shape, dtype=np.int64)
        if self.spectrum is None or self.directions is None:
            return best_in_floats(self._kernel, r)
        return closed_form.partial_sum(self.spectrum, self.directions[:r])


class SymbolicValues:
    """Of a kernel of SymPy expressions."""

    def __init__(self, kernel: np.ndarray, terms: Sequence[Term], has_symbols: bool) -> None:
        self._kernel, self._terms, self._has_symbols = kernel, terms, has_symbols

    @property
    def form(self) -> str:
        """`"characteristic polynomial"` where the singular values have no closed form."""
        import sympy

        if self.singular_values is None:
            return "characteristic polynomial"
        implicit = any(value.has(sympy.polys.rootoftools.ComplexRootOf) for value in self.singular_values)
        return "algebraic numbers" if implicit else "radicals"

    @cached_property
    def singular_values(self) -> tuple[Any, ...] | None:
        """SymPy expressions, descending where that can be decided, or None."""
        from convmatrix.analysis.separability.symbolic_spectrum import symbolic_singular_values

        return symbolic_singular_values(self._kernel, len(self._terms), self._terms)

    @cached_property
    def decimals(self) -> Sequence[Any] | None:
        """None where there are symbols; in double precision where numbers have no closed form."""
        if self._has_symbols:
            return None
        if self.singular_values is None:
            return self._rounded.tolist()
        from convmatrix.analysis.separability.symbolic_spectrum import digits

        return [float(digits(value)) for value in self.singular_values]

    @cached_property
    def _rounded(self) -> np.ndarray:
        """Of numbers, in floating point; those beyond the rank, which is proved, are 0."""
        values = np.linalg.svd(_evaluated(self._kernel), compute_uv=False)
        values[len(self._terms) :] = 0
        return values

    @cached_property
    def svd(self) -> tuple[Term, ...] | None:
        """As many triples as the rank, K the sum of `sigma * outer(u, conj(v))`, or None."""
        from convmatrix.analysis.separability.symbolic_spectrum import symbolic_svd

        return symbolic_svd(self._kernel, len(self._terms), self._terms)

    @cached_property
    def characteristic(self) -> Any:
        """A SymPy expression in `lambda`, or None beyond a bounded size."""
        from convmatrix.analysis.separability.symbolic_spectrum import symbolic_characteristic

        return symbolic_characteristic(self._kernel)

    def error(self, r: int, norm: str) -> Any:
        """A SymPy expression, or a float for numbers whose singular values have no closed form."""
        import sympy

        rank = len(self._terms)
        if r >= rank:
            return sympy.S.Zero
        if r == 0 and norm == "fro":
            # Symbols stand for real numbers.
            squares = [sympy.expand(value * value.subs(sympy.I, -sympy.I)) for value in self._kernel.flat]
            return sympy.sqrt(sympy.Add(*squares))
        if not self._has_symbols and self.singular_values is None:
            return float(numerical.tail_norm(self._rounded, r, norm))
        values = self._ordered(f"error({r})")
        if norm == "spectral" or r == rank - 1:
            return values[r]
        return sympy.sqrt(sympy.Add(*[sympy.expand(value**2) for value in values[r:rank]]))

    def approximate(self, r: int) -> np.ndarray:
        """SymPy expressions, or floats for numbers whose decomposition has no closed form."""
        import sympy

        if r >= len(self._terms):
            return self._kernel.copy()
        total = np.full(self._kernel.shape, sympy.S.Zero, dtype=object)
        if r == 0:
            return total
        if self._has_symbols:
            self._ordered(f"approximate({r})")
        if self.svd is None:
            if self._has_symbols:
                raise SymbolicError(f"r must be 0 or at least the rank where no decomposition is known, got {r}")
            return best_in_floats(_evaluated(self._kernel), r)
        for sigma, u, v in self.svd[:r]:
            total = total + sigma * np.outer(u, [sympy.conjugate(value) for value in v])
        return total

    def _ordered(self, what: str) -> tuple[Any, ...]:
        """The singular values where their order is known."""
        from convmatrix.analysis.separability.symbolic_spectrum import is_descending

        values = self.singular_values
        known = not self._has_symbols or is_descending(self._kernel, len(self._terms))
        if values is None or not known:
            why = "whose order the symbols leave open" if values is not None else "of which no closed form is known"
            raise SymbolicError(f"{what} must not depend on singular values {why}: put numbers for the symbols first")
        return values


def best_in_floats(kernel: np.ndarray, r: int) -> np.ndarray:
    """The best rank-r approximation, computed in double precision."""
    array, exponent = numerical.normalised(kernel)
    left, values, right = np.linalg.svd(array, full_matrices=False)
    return numerical.restored((left[:, :r] * values[:r]) @ right[:r], exponent, kernel.dtype)


def _evaluated(kernel: np.ndarray) -> np.ndarray:
    """SymPy numbers as complex floats, or real ones."""
    numbers = np.array([complex(value.evalf(20)) for value in kernel.flat]).reshape(kernel.shape)
    return numbers if numbers.imag.any() else numbers.real
