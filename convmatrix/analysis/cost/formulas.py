"""`cost_formula`: the multiplications of a kind of convolution, and what they save, as formulas."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

from convmatrix.analysis.cost import wording
from convmatrix.analysis.cost.table import DRAFTS, Rule
from convmatrix.errors import ConvMatrixError
from convmatrix.geometry import arguments


@dataclass(frozen=True, eq=False)
class CostFormula:
    """Multiplications of a kind of convolution beside those of what it stands for, in SymPy.

    Attributes
    ----------
    kind, description : str
        Its name in `KINDS`, and what is measured.
    multiplications, baseline : SymPy expressions
        By the usual convention.
    baseline_name : str
        What it is measured by.
    letters : mapping
        From the symbols to their meanings.
    """

    kind: str
    description: str
    multiplications: Any
    baseline: Any
    baseline_name: str
    letters: Mapping[Any, str]
    _to_infinity: tuple[Any, ...]
    _cases: tuple[tuple[str, Any], ...]
    _rules: tuple[Rule, ...]

    @cached_property
    def ratio(self) -> Any:
        """`multiplications / baseline`, in the shorter of its forms."""
        return _shortest(self.multiplications / self.baseline)

    @cached_property
    def limits(self) -> tuple[tuple[str, Any, Any], ...]:
        """What the ratio tends to: a description, the symbol that grows, the limit.

        Of letters that have no number yet and that those of the others let grow.
        """
        import sympy

        open_ones = [symbol for symbol in self._to_infinity if symbol in self.letters]
        growing = [symbol for symbol in open_ones if all(rule.allows_growth(symbol) for rule in self._rules)]
        return tuple(
            (f"{symbol} -> oo", symbol, _shortest(sympy.limit(self.ratio, symbol, sympy.oo))) for symbol in growing
        )

    @cached_property
    def cases(self) -> tuple[tuple[str, Any], ...]:
        """The ratio in particular cases, or to another baseline: a description and an expression."""
        return tuple((said, _shortest(case)) for said, case in self._cases)

    def at(self, **sizes: int) -> CostFormula:
        """The same with numbers for some of the letters.

        Parameters
        ----------
        **sizes : int
            Letters and what they stand for, at least 1.

        Returns
        -------
        CostFormula

        Raises
        ------
        ConvMatrixError
            If it has no such letter, the value is no integer of at least 1, a kernel does not fit into its picture, or
            groups do not divide the channels.

        Examples
        --------
        >>> found = cost_formula("spatially_separable").at(N=5, m=3)
        >>> found.multiplications, found.baseline, found.ratio
        (72, 81, 8/9)
        """
        import sympy

        named = {symbol.name: symbol for symbol in self.letters}
        for name in sizes:
            arguments.one_of(name, "letter", tuple(named))
        values = {named[name]: sympy.Integer(arguments.integer(value, name, 1)) for name, value in sizes.items()}
        rules = tuple(rule.subs(values) for rule in self._rules)
        broken = next((rule for rule in rules if rule.is_broken), None)
        if broken is not None:
            raise ConvMatrixError(str(broken))
        left = {symbol: meaning for symbol, meaning in self.letters.items() if symbol not in values}
        return replace(
            self,
            multiplications=self.multiplications.subs(values),
            baseline=self.baseline.subs(values),
            letters=MappingProxyType(left),
            _cases=tuple((said, case.subs(values)) for said, case in self._cases),
            _rules=rules,
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, formulas as text."""
        return wording.formula_to_dict(self)

    def __str__(self) -> str:
        return wording.formula_to_text(self)

    def __repr__(self) -> str:
        return f"CostFormula({self.kind}, ratio {self.ratio})"

    def _repr_html_(self) -> str:
        cells = [
            f"<tr><th>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>"
            for name, value in wording.formula_facts(self)
        ]
        return f"<table><caption>{html.escape(f'{self.kind}: {self.description}')}</caption>{''.join(cells)}</table>"

    def _repr_latex_(self) -> str:
        import sympy

        return rf"$\displaystyle {sympy.latex(self.ratio)}$"


def cost_formula(kind: str) -> CostFormula:
    """What a kind of convolution multiplies, and its share of what the dense layer does, with limits.

    Parameters
    ----------
    kind : str
        A name of `convmatrix.KINDS` that has something to be measured by: `spatially_separable`,
        `depthwise_separable`, `grouped`, `shufflenet_unit`, ...

    Returns
    -------
    CostFormula

    Raises
    ------
    ConvMatrixError
        If there is no such formula.

    References
    ----------
    Zhang, Zhou, Lin, Sun: ShuffleNet, arXiv:1707.01083, section 3.2, for its unit.

    Examples
    --------
    >>> found = cost_formula("depthwise_separable")
    >>> found.ratio
    h**(-2) + 1/Nc
    >>> [(said, limit) for said, _, limit in found.limits]
    [('Nc -> oo', h**(-2)), ('h -> oo', 1/Nc)]
    """
    draft = DRAFTS[arguments.one_of(kind, "kind", DRAFTS)]()
    return CostFormula(
        kind,
        draft.description,
        draft.multiplications,
        draft.baseline,
        draft.baseline_name,
        MappingProxyType(dict(draft.letters)),
        draft.to_infinity,
        draft.cases,
        draft.rules,
    )


def _shortest(expression: Any) -> Any:
    """The shorter of a quotient and a sum."""
    import sympy

    quotient = sympy.factor(sympy.cancel(sympy.sympify(expression)))
    return min((_with_few_minus_signs(quotient), sympy.expand(quotient)), key=sympy.count_ops)


def _with_few_minus_signs(product: Any) -> Any:
    """Factors such as `-N + m - 1` turned round: SymPy orders them by the name of their letters."""
    import sympy

    # SymPy multiplies a sign into a sum: it is kept aside.
    sign, turned = 1, []
    for factor in sympy.Mul.make_args(product):
        base, power = factor.as_base_exp()
        negative = sum(term.could_extract_minus_sign() for term in base.args) if base.is_Add else 0
        if power.is_Integer and 2 * negative > len(base.args):
            sign, base = -sign if power % 2 else sign, -base
        turned.append(base**power)
    return sign * sympy.Mul(*turned)
