"""What `separate` answers about one kernel."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from convmatrix import exact
from convmatrix.analysis.separability import numerical
from convmatrix.analysis.separability.certificate import Certificate
from convmatrix.analysis.separability.values import FloatValues, RationalValues, SymbolicValues, Term, Values


@dataclass(frozen=True, eq=False)
class Separability:
    """What `separate` found. Everything about singular values is computed when it is first asked for.

    Attributes
    ----------
    kernel : ndarray of shape (kh, kw)
        As it was read; read-only.
    rank : int
        The fewest separable terms that add up to it.
    rank_kind : {"exact", "numerical", "generic"}
        Proved; or how many singular values exceed `tol` times the largest; or, with symbols, proved for all but special
        values of them.
    tol : float or None
        Relative; None unless the rank is numerical.
    terms : tuple of (scale, column, row)
        `rank` of them, with `kernel == sum of scale * outer(column, row)`. For integers and fractions `scale` is a
        positive `Fraction`, column and row are primitive integer vectors and the column's first nonzero entry is
        positive. Of floats they are the leading singular triples, whose sum is within `tol`.
    certificate : Certificate or None
        A 2x2 minor that is not 0, for exact and generic ranks of at least 2.
    conditions : tuple of SymPy expressions, or None
        With symbols: the kernel is separable if and only if all of these are 0; `()` always, `(1,)` never.
    solutions : tuple of dict, or None
        With symbols: substitutions that make it separable, where no denominator becomes 0.
    solutions_complete : bool or None
        With symbols: whether the solutions are all there are.
    """

    kernel: np.ndarray
    rank: int
    rank_kind: str
    tol: float | None
    terms: tuple[Term, ...]
    certificate: Certificate | None = None
    conditions: tuple[Any, ...] | None = None
    solutions: tuple[dict[Any, Any], ...] | None = None
    solutions_complete: bool | None = None

    @property
    def is_separable(self) -> bool:
        """Whether the rank is at most 1; so the kernel of zeros is separable."""
        return self.rank <= 1

    @property
    def form(self) -> str:
        """How the singular values are written.

        `"radicals"`; `"algebraic numbers"`, square roots of SymPy's `CRootOf`, which `evalf` gives to any precision;
        `"floats"` for floats, and for exact kernels whose rank or entries are too large for the others;
        `"characteristic polynomial"` for symbols, and radicals of high degree, without a closed form.
        """
        return self._values.form

    @property
    def singular_values(self) -> Any:
        """All `min(shape)`, zeros included: SymPy expressions, or a float64 array in the form `"floats"`.

        Descending; with symbols where their order is known.

        None in the form `"characteristic polynomial"`.
        """
        return self._values.singular_values

    @property
    def svd(self) -> tuple[Term, ...] | None:
        """Triples `(sigma, u, v)` with `kernel == sum of sigma * outer(u, conj(v))`, u and v of length 1.

        Of exact kernels `rank` triples of SymPy expressions, checked exactly, or None where there is no reasonable
        closed form; of floats all `min(shape)`.
        """
        return self._values.svd

    @property
    def characteristic(self) -> Any:
        """The characteristic polynomial of `K K^T` in `lambda`, a SymPy expression.

        None in the form `"floats"`, or where it is too long.
        """
        return self._values.characteristic

    @cached_property
    def nearest_rational(self) -> Separability | None:
        """The answer about a simple rational kernel within `tol` times the largest magnitude of every entry, or None.

        For real floats only. The entries of that kernel have denominators up to 4096 and a common one up to 2**20, or
        it is a multiple of such a kernel.
        """
        from convmatrix.analysis.separability.nearest import nearest_rational_kernel
        from convmatrix.analysis.separability.verdict import separate_array

        if self.tol is None:
            return None
        found = nearest_rational_kernel(self.kernel, self.tol)
        return None if found is None else separate_array(found, None)

    def error(self, r: int, norm: Any = "fro") -> Any:
        """The distance from the nearest kernel of rank r at most, absolute (Eckart, Young).

        Parameters
        ----------
        r : int
            From 0 to `min(shape)`.
        norm : {"fro", "spectral", 2}, default "fro"
            Frobenius: `sqrt(sum of sigma_i^2 over i > r)`; spectral: `sigma_(r+1)`.

        Returns
        -------
        SymPy expression, or float where the singular values are floats or, for numbers, None

        Raises
        ------
        ConvMatrixError
            If r or norm breaks its rule.
        SymbolicError
            If symbols leave open which singular values are the smallest.

        References
        ----------
        Eckart, Young: The approximation of one matrix by another of lower rank, Psychometrika 1 (1936).

        Examples
        --------
        >>> import convmatrix as cm
        >>> cm.separate("laplacian4").error(1)
        -2 + sqrt(6)
        """
        return self._values.error(numerical.check_rank(r, min(self.kernel.shape)), numerical.check_norm(norm))

    def approximate(self, r: int) -> np.ndarray:
        """The nearest kernel of rank r at most, in both norms; one of them where singular values are equal.

        Exact (integers and fractions, or SymPy expressions) where `svd` is known, the kernel itself from its rank on,
        otherwise float64 or the kernel's own float type.

        Parameters
        ----------
        r : int
            From 0 to `min(shape)`.

        Raises
        ------
        ConvMatrixError
            If r breaks its rule, or symbols leave open which terms are the largest.
        """
        return self._values.approximate(numerical.check_rank(r, min(self.kernel.shape)))

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain JSON types; fractions, complex numbers and SymPy expressions as text."""
        from convmatrix.analysis.separability.wording import as_dict

        return as_dict(self)

    def to_latex(self) -> str:
        """The kernel as the sum of its terms, in LaTeX without delimiters."""
        from convmatrix.analysis.separability.latex import answer_latex

        return answer_latex(self)

    def __str__(self) -> str:
        from convmatrix.analysis.separability.wording import answer_text

        return answer_text(self)

    def __repr__(self) -> str:
        size = "x".join(map(str, self.kernel.shape))
        return f"Separability({size} kernel, rank {self.rank}, {self.rank_kind})"

    def _repr_latex_(self) -> str | None:
        from convmatrix.analysis.separability.latex import is_small

        return f"$\\displaystyle {self.to_latex()}$" if is_small(self) else None

    def _repr_html_(self) -> str:
        from convmatrix.analysis.separability.wording import answer_html

        return answer_html(self)

    @cached_property
    def _values(self) -> Values:
        if self.rank_kind == "numerical":
            return FloatValues(self.kernel)
        if exact.is_symbolic(self.kernel):
            return SymbolicValues(self.kernel, self.terms, self.rank_kind == "generic")
        return RationalValues(self.kernel, self.terms)
