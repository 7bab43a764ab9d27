"""Every kind over drawn arguments: against torch, against its formula in NumPy, and what `verify` says of it."""

from __future__ import annotations

import inspect
import itertools
import zlib
from fractions import Fraction
from typing import Any

import kind_cases
import numpy as np
import pytest
import sympy
from kind_cases import Draw

import convmatrix as cm
from convmatrix.kinds.asked import asked_of, recording

CASES = kind_cases.load()
DRAWS = 20

PER_AXIS = ("stride", "padding", "dilation", "scale", "factor", "output_padding")

every = pytest.mark.parametrize("name", cm.KINDS)


def draws(name: str, count: int = DRAWS, small: bool = False) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    """Arguments and options of as many builds, always the same."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    return [CASES[name].draw(Draw(rng, small)) for _ in range(count)]


def options_of(name: str) -> dict[str, Any]:
    """The options of a build with their defaults."""
    parameters = inspect.signature(cm.KINDS[name].build).parameters.values()
    return {own.name: own.default for own in parameters if own.kind is own.KEYWORD_ONLY}


def without_bias(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name != "bias"}


def is_weight(value: Any) -> bool:
    return isinstance(value, np.ndarray)


def with_weights(name: str, arguments: tuple[Any, ...], options: dict[str, Any], change: Any) -> cm.TensorOperator:
    """A build with other numbers in its weights, and no bias."""
    changed = [change(value) if is_weight(value) else value for value in arguments]
    return cm.KINDS[name].build(*changed, **without_bias(options))


def test_every_kind_has_a_case() -> None:
    assert set(CASES) == set(cm.KINDS)


@every
def test_every_option_is_drawn(name: str) -> None:
    """Left out, other than its default, and unequal on the axes if the kind has several."""
    kind = cm.KINDS[name]
    several = any(len(kind.build(*arguments, **options).in_shape) > 2 for arguments, options in draws(name))
    for option, default in options_of(name).items():
        given = [options[option] for _, options in draws(name) if option in options]
        assert 5 <= len(given) < DRAWS, option
        assert sum(not np.array_equal(value, default) for value in given) >= 3, option
        if option in PER_AXIS and several:
            assert any(isinstance(value, (list, tuple)) and len(set(value)) > 1 for value in given), option


@every
def test_against_torch(name: str, rng: np.random.Generator) -> None:
    """Matrix-free and with the matrix, the bias added."""
    torch = pytest.importorskip("torch")
    for arguments, options in draws(name):
        op = cm.KINDS[name].build(*arguments, **options)
        x = rng.integers(-9, 10, (2, *op.in_shape))
        expected = CASES[name].torch(torch.from_numpy(x.astype(float)), *arguments, **options).numpy()
        said = f"{arguments}, {options}"
        assert expected.shape == (2, *op.out_shape), said
        assert (op.bias is None) == (options.get("bias") is None), said
        bias = 0 if op.bias is None else op.bias
        np.testing.assert_allclose(op(x) + bias, expected, rtol=1e-12, atol=1e-9, err_msg=said)
        by_matrix = (op.tosparse() @ x.reshape(2, -1).T).T.reshape(expected.shape)
        np.testing.assert_allclose(by_matrix + bias, expected, rtol=1e-12, atol=1e-9, err_msg=said)


@every
def test_examples_against_torch(name: str, rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    op = cm.KINDS[name].example()
    asked = asked_of(op)
    (_, size), *options = asked.options.items()
    given = [*asked.weights.values(), kind_cases.shape_of(size)]
    x = rng.integers(-9, 10, (2, *op.in_shape))
    expected = CASES[name].torch(torch.from_numpy(x.astype(float)), *given, **dict(options))
    assert np.array_equal(op(x), expected.numpy())


@every
def test_the_formula_is_the_matrix_and_the_promise(name: str) -> None:
    """`structure`, read word for word in NumPy: what the build makes, and what `verify` compares that with."""
    kind = cm.KINDS[name]
    assert kind.structure == CASES[name].structure
    for arguments, options in draws(name):
        op = kind.build(*arguments, **options)
        formula = CASES[name].formula(*arguments, **without_bias(options))
        said = f"{arguments}, {options}"
        if formula.dtype.kind == "i":
            assert np.array_equal(op.toarray(), formula), said
        np.testing.assert_allclose(op.toarray(), formula, rtol=1e-12, atol=1e-12, err_msg=said)
        np.testing.assert_allclose(kind.expected(op).toarray(), formula, rtol=1e-12, atol=1e-12, err_msg=said)
        assert kind.verify(op), said


@every
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
def test_floats_agree_within_their_rounding(name: str, dtype: str, rng: np.random.Generator) -> None:
    def change(weight: np.ndarray) -> np.ndarray:
        drawn = rng.normal(size=weight.shape) + (1j * rng.normal(size=weight.shape) if dtype[0] == "c" else 0)
        return drawn.astype(dtype)

    kind = cm.KINDS[name]
    for arguments, options in draws(name, 6):
        op = with_weights(name, arguments, options, change)
        assert op.dtype == dtype
        assert kind.verify(op), f"{arguments}, {options}"
        matrix = op.tosparse()
        matrix.data[0] *= 1 + 1e-3
        op.tosparse = lambda matrix=matrix: matrix
        assert not kind.verify(op)


@every
def test_fractions_and_symbols_agree_exactly(name: str) -> None:
    kind, letters = cm.KINDS[name], itertools.count()
    changes = {
        Fraction: lambda weight: weight * Fraction(1, 3) + Fraction(1, 7),
        sympy.Expr: lambda weight: np.reshape([sympy.Symbol(f"w{next(letters)}") for _ in weight.flat], weight.shape),
    }
    for arguments, options in draws(name, 1, small=True):
        for sort, change in changes.items():
            op = with_weights(name, arguments, options, change)
            assert op.dtype == object
            assert kind.verify(op), f"{sort}: {arguments}, {options}"
            wrong = op.toarray().astype(object)
            place = np.unravel_index(np.flatnonzero(wrong != 0)[0], wrong.shape)
            wrong[place] += Fraction(1, 10**30)
            op.toarray = lambda wrong=wrong: wrong
            assert not kind.verify(op), sort


OPTIONS = [(name, option) for name in cm.KINDS for option in options_of(name) if option != "bias"]


@pytest.mark.parametrize(("name", "option"), OPTIONS, ids=["-".join(pair) for pair in OPTIONS])
def test_verify_sees_an_option_that_is_dropped(name: str, option: str) -> None:
    """A build that goes on with the default instead of what it was asked for, which no operator tells of itself."""
    kind = cm.KINDS[name]
    plain = kind.build.__wrapped__

    def dropping(*arguments: Any, **options: Any) -> cm.TensorOperator:
        return plain(*arguments, **options | {option: options_of(name)[option]})

    dropping.__signature__ = inspect.signature(plain)
    dropping.__name__ = name
    build, seen = recording(dropping), 0
    for arguments, options in draws(name):
        right = kind.build(*arguments, **options)
        try:
            wrong = build(*arguments, **options)
        except cm.ConvMatrixError:  # the default does not even fit these weights
            seen += 1
            continue
        if right.shape != wrong.shape or (right.tosparse() != wrong.tosparse()).nnz:
            assert not kind.verify(wrong), f"{arguments}, {options}"
            seen += 1
    assert seen >= 2
