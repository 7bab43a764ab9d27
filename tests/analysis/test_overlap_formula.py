"""The closed form of the counts, against counting taps."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
import sympy

import convmatrix as cm
from convmatrix.analysis.overlap import overlap_formula, overlap_ratio

K, S, D = sympy.symbols("k s d", integer=True, positive=True)
F = sympy.Symbol("f", integer=True)
STEPS = list(itertools.product(range(1, 8), range(1, 7), range(1, 6)))


def counted(kernel, stride, dilation):
    """The taps that reach each phase."""
    return [sum(dilation * t % stride == f for t in range(kernel)) for f in range(stride)]


@pytest.mark.parametrize("stride", range(1, 7))
def test_integers_give_the_count(stride):
    for kernel, own, dilation in STEPS:
        if own == stride:
            found = [overlap_formula(kernel, stride, dilation, f) for f in range(stride)]
            assert found == counted(kernel, stride, dilation)
            assert all(isinstance(count, sympy.Integer) for count in found)


@pytest.mark.parametrize("order", list(itertools.permutations("ksdf"))[::5], ids="".join)
def test_symbols_give_the_count_in_whatever_order_they_are_filled_in(order):
    symbols = {"k": K, "s": S, "d": D, "f": F}
    for kernel, stride, dilation in STEPS[::31]:
        for f, want in enumerate(counted(kernel, stride, dilation)):
            value, numbers = overlap_formula(), {"k": kernel, "s": stride, "d": dilation, "f": f}
            for name in order:
                value = value.subs(symbols[name], numbers[name])
            assert value == want


def test_all_symbols_at_once():
    for kernel, stride, dilation in STEPS[::7]:
        values = dict(zip((K, S, D), (kernel, stride, dilation), strict=True))
        found = [overlap_formula().subs(values | {F: f}) for f in range(stride)]
        assert found == counted(kernel, stride, dilation)
        low, high = min(found), max(found)
        assert overlap_ratio().subs(values) == (sympy.Rational(high, low) if low else sympy.oo)
        assert overlap_ratio(kernel, stride, dilation) == overlap_ratio().subs(values)


@pytest.mark.parametrize(("kernel", "stride", "dilation"), [(3, 2, 1), (5, 3, 2), (4, 6, 4), (2, 5, 3)], ids=str)
def test_any_integer_is_a_phase(kernel, stride, dilation):
    want = counted(kernel, stride, dilation)
    assert [overlap_formula(kernel, stride, dilation, f) for f in range(-7, 20)] == [
        want[f % stride] for f in range(-7, 20)
    ]


@pytest.mark.parametrize(("kernel", "stride", "dilation"), STEPS[::11], ids=str)
def test_the_map_of_a_layer_has_it(kernel, stride, dilation):
    found = cm.overlap(cm.conv_transpose(np.ones(kernel), 9, stride=stride, dilation=dilation))
    values = {K: kernel, S: stride, D: dilation}
    assert found.phase_counts.tolist() == [found.formula.subs(values | {F: f}) for f in range(stride)]
    assert found.formula_ratio.subs(values) == (sympy.oo if found.holes else found.ratio)


def test_simple_cases_look_simple():
    assert str(overlap_formula(dilation=1)) == "ceiling((k - Mod(f, s))/s)"
    assert overlap_formula(stride=1, dilation=1) == K
    assert overlap_ratio(4, 2, 1) == 1
    assert str(overlap_ratio(dilation=1)) == "Piecewise((ceiling(k/s)/floor(k/s), k >= s), (oo, True))"
    assert "gcd(d, s)" in str(overlap_formula())
    assert "inverse(d/gcd(d, s), s/gcd(d, s))" in str(overlap_formula())
    assert r"\gcd\left(d, s\right)" in sympy.latex(overlap_formula())
    assert r"^{-1}_{\bmod" in sympy.latex(overlap_formula())


def test_expressions_and_names_are_taken():
    n = sympy.Symbol("n", integer=True, positive=True)
    assert overlap_formula(2 * n, n, 1, 0) == 2
    assert overlap_formula("taps", 2, 1, 0) == sympy.ceiling(sympy.Symbol("taps", integer=True, positive=True) / 2)
    assert overlap_formula(np.int64(5), sympy.Integer(2), 1, np.uint8(1)) == 2
    assert overlap_formula(10**30, 3, 1, 0) == -(-(10**30) // 3)


FOR_OPERATORS = {
    "convolution": (lambda: cm.conv([1, 2, 3], 9, stride=2), "k"),
    "average": (lambda: cm.avg_pool((1, 9), 3), "k"),
    "gradient": (lambda: cm.conv([1, 2, 3], 9, stride=2, padding=1, padding_mode="circular").T, "transposed"),
    "average's gradient": (lambda: cm.avg_pool((1, 9), 3).T, "transposed"),
    "multiple": (lambda: Fraction(1, 2) * (3 * cm.conv_transpose([1, 2], 4, stride=2)), "transposed"),
    "pixel shuffle": (lambda: cm.pixel_shuffle((4, 3), 2), None),
    "resize": (lambda: cm.resize((1, 4), 2), None),
    "stack": (lambda: cm.conv([1, 2], 9) @ cm.conv([1, 2], 10), None),
    "sum": (lambda: cm.conv([1, 2], 9) + cm.conv([1, 2], 9), None),
}  # fmt: skip


@pytest.mark.parametrize(("build", "want"), FOR_OPERATORS.values(), ids=FOR_OPERATORS)
def test_which_operators_have_one(build, want):
    found = cm.overlap(build())
    assert found.formula == {"k": K, "transposed": overlap_formula(), None: None}[want]
    assert found.formula_ratio == {"k": 1, "transposed": overlap_ratio(), None: None}[want]
    latex = found._repr_latex_()
    assert latex is None if want is None else latex.startswith(r"$\displaystyle N_f = ")


ERRORS = {
    "stride 0": ({"stride": 0}, "stride must be at least 1, got 0"),
    "kernel below 1": ({"kernel_size": -1}, "kernel_size must be at least 1, got -1"),
    "dilation of a negative symbol": (
        {"dilation": sympy.Symbol("x", negative=True, integer=True)},
        "dilation must be at least 1, got x",
    ),
    "float": ({"stride": 2.0}, "stride must be an integer, a SymPy expression or a name, got 2.0"),
    "boolean": ({"phase": True}, "phase must be an integer, a SymPy expression or a name, got True"),
    "fraction": ({"phase": Fraction(1, 2)}, "phase must be an integer, a SymPy expression or a name, got Fraction"),
    "rational": ({"phase": sympy.Rational(1, 2)}, "phase must be an integer, a SymPy expression or a name, got 1/2"),
    "irrational": ({"kernel_size": sympy.sqrt(2)}, "kernel_size must be an integer, .*, got sqrt"),
    "code": ({"kernel_size": "k + 1"}, "kernel_size must be an integer, a SymPy expression or a name, got 'k . 1'"),
    "list": ({"kernel_size": [3]}, r"kernel_size must be an integer, a SymPy expression or a name, got \[3\]"),
}


@pytest.mark.parametrize(("arguments", "message"), ERRORS.values(), ids=ERRORS)
def test_errors(arguments, message):
    with pytest.raises(cm.ConvMatrixError, match=message):
        overlap_formula(**arguments)
    if "phase" not in arguments:
        with pytest.raises(cm.ConvMatrixError, match=message):
            overlap_ratio(**arguments)
