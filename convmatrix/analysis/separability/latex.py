"""What `separate` found as LaTeX."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from convmatrix import exact
from convmatrix.analysis.facts import exact_text

if TYPE_CHECKING:
    from convmatrix.analysis.separability.answer import Separability

MAX_SIZE = 20
"""Rows and columns up to which a notebook typesets a kernel."""
MAX_TERMS = 6
"""The same for its terms."""


def is_small(answer: Separability) -> bool:
    """Whether a notebook should typeset it."""
    return max(answer.kernel.shape) <= MAX_SIZE and answer.rank <= MAX_TERMS


def answer_latex(answer: Separability) -> str:
    r"""The kernel, an equals sign (or a sign of approximation, within a tolerance) and its terms.

    >>> import convmatrix as cm
    >>> print(answer_latex(cm.separate([[2, 4]])))
    \begin{bmatrix}2 & 4\end{bmatrix} = 2 \begin{bmatrix}1\end{bmatrix} \begin{bmatrix}1 & 2\end{bmatrix}
    """
    terms = [f"{_scale(scale)}{matrix(column[:, None])} {matrix(row[None, :])}" for scale, column, row in answer.terms]
    sign = r"\approx" if answer.rank_kind == "numerical" else "="
    return f"{matrix(answer.kernel)} {sign} {' + '.join(terms) or '0'}"


def matrix(array: np.ndarray) -> str:
    """A 2-D array in brackets."""
    return rf"\begin{{bmatrix}}{_rows(array.tolist())}\end{{bmatrix}}"


def _rows(rows: Iterable[Iterable[Any]]) -> str:
    return r"\\".join(" & ".join(_entry(value) for value in row) for row in rows)


def _scale(scale: Any) -> str:
    if scale == 1:
        return ""
    text = _entry(scale)
    return rf"\left({text}\right) " if getattr(scale, "is_Add", False) else f"{text} "


def _entry(value: Any) -> str:
    """Exact numbers by SymPy, floats to five digits."""
    import sympy

    if isinstance(value, (int, np.integer)):
        return exact_text(int(value))
    if isinstance(value, float):
        text = f"{value:.5g}"
        if "e" not in text:
            return text
        digits, power = text.split("e")
        return rf"{digits} \cdot 10^{{{int(power)}}}"
    if isinstance(value, complex):
        return f"{value:.4g}".replace("j", "i")
    try:
        return str(sympy.latex(exact.to_sympy(value)))
    except ValueError:
        return exact_text(value)
