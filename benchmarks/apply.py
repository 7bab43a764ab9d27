"""Applying without the matrix: against torch, the kept CSR, windows and one product, and ndimage; and the transpose."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

from benchmarks.cases import APPLIED, APPLIED_QUICK, Case
from benchmarks.common import Competitor, Race, Row, Settings, Target, race
from benchmarks.layers import Layer, ways

_BATCH = 16
_WORK = 1e-3
_TORCH, _PICTURES, _KEPT, _TRANSPOSE = Target(1.2), Target(1.2), Target(1.1), Target(1.5)
_OVERHEAD = Target(15e-6, "excess")
FORMS = ("vector", "16, tensor", "16, matrix")


def run(settings: Settings) -> Iterator[Row]:
    """All rows of this section, one case after the other."""
    for case in APPLIED_QUICK if settings.quick else APPLIED:
        layers = ways(case)
        for form in FORMS[: 2 if settings.quick else 3]:
            yield from applied(case, form, layers, settings.repeats)
        for form in FORMS[:2]:
            yield from transposed(case, form, settings.repeats)


def applied(case: Case, form: str, layers: Mapping[str, Layer], repeats: int) -> Iterator[Row]:
    """One case in one form against every other way, whose answers are compared first."""
    x = _tensor(case.operator().in_shape, form)
    operator = case.operator()
    wanted = operator(x[:1])
    competitors: dict[str, Any] = {}
    for name, layer in layers.items():
        assert np.allclose(layer(x[:1]), wanted, rtol=1e-9, atol=1e-9), f"{name} gives another answer for {case.name}"
        competitors[name] = _in_form(layer, x, form)
    ours = _ours(form, x)
    for _ in range(3):
        ours(operator)
    competitors["ours"] = lambda: ours(operator)
    competitors["first"] = Competitor(ours, case.operator)
    times = race(competitors, repeats, may_leave=layers)
    yield from _verdicts(case, form, times)


def _verdicts(case: Case, form: str, times: Race) -> Iterator[Row]:
    """The first call beside all other ways; then later calls, a row for each target."""
    others = dict(times.best)
    ours, first = others.pop("ours"), others.pop("first")
    best = min(others.values())
    yield Row(case.name, f"{form}, first", first, "best other", best, foreign=times.foreign, others=others)
    yield Row(case.name, f"{form}, later", ours, "best other", best)
    for names, target in _targets(case):
        named = {name: others[name] for name in names if name in others}
        if not named:
            continue
        reference = min(named.values())
        if max(ours, reference) >= _WORK:
            yield Row(case.name, f"{form}, later", ours, " or ".join(named), reference, target)
    if "CSR" in others and max(ours, others["CSR"]) < _WORK:
        yield Row(case.name, f"{form}, later", ours, "CSR", others["CSR"], _OVERHEAD)


def _targets(case: Case) -> list[tuple[tuple[str, ...], Target]]:
    pictures = (("CSR", "ndimage"), _PICTURES) if case.one_channel else (("torch",), _TORCH)
    return [pictures, (("CSR", "unfold"), _KEPT)]


def transposed(case: Case, form: str, repeats: int) -> Iterator[Row]:
    """The transpose by the forward product of the same operator, both warm."""
    operator = case.operator()
    pair = {"forward": operator, "transpose": operator.T}
    calls: dict[str, Callable[[], Any]] = {}
    for name, one in pair.items():
        ours = _ours(form, _tensor(one.in_shape, form))
        calls[name] = partial(ours, one)
    for call in (*calls.values(),) * 3:
        call()
    times = race(calls, repeats)
    forward, backward = times.best["forward"], times.best["transpose"]
    yield Row(case.name, f"{form}, transpose", backward, "forward", forward, _TRANSPOSE, foreign=times.foreign)


def _tensor(shape: tuple[int, ...], form: str) -> np.ndarray:
    batch = 1 if form == "vector" else _BATCH
    return np.random.default_rng(1).standard_normal((batch, *shape))


def _ours(form: str, x: np.ndarray) -> Callable[[Any], np.ndarray]:
    """How this package is asked in that form."""
    if form == "16, tensor":
        return lambda operator: operator(x)
    given = x.reshape(-1) if form == "vector" else np.ascontiguousarray(x.reshape(len(x), -1).T)
    return lambda operator: operator @ given


def _in_form(layer: Layer, x: np.ndarray, form: str) -> Callable[[], np.ndarray]:
    """Another way asked in that form: one that wants a tensor has to make it from the columns, a matrix need not."""
    if form != "16, matrix":
        return lambda: layer(x)
    columns = np.ascontiguousarray(x.reshape(len(x), -1).T)
    matrix = getattr(layer, "matrix", None)
    if matrix is not None:
        return lambda: np.asarray(matrix @ columns)
    return lambda: layer(np.ascontiguousarray(columns.T).reshape(x.shape)).reshape(len(x), -1).T
