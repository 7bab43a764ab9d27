"""Work in order on several threads, with linear algebra on one."""

import threading

import numpy as np
import pytest

from convmatrix import parallel


def _threads():
    return {library["num_threads"] for library in parallel._controller().info() if library["user_api"] == "blas"}


@pytest.mark.parametrize("workers", [1, 3])
def test_results_come_in_their_order(workers, monkeypatch):
    monkeypatch.setattr(parallel, "processors", lambda: workers)
    seen = set()

    def job(number):
        seen.add(threading.get_ident())
        return number**2, np.linalg.svd(np.eye(3) * number, compute_uv=False)[0]

    assert [found[0] for found in parallel.in_order(job, range(20))] == [number**2 for number in range(20)]
    assert (threading.get_ident() in seen) == (workers == 1)


def test_nothing_to_do():
    assert list(parallel.in_order(abs, [])) == []


def test_an_exception_comes_in_its_turn_and_ends_it(monkeypatch):
    monkeypatch.setattr(parallel, "processors", lambda: 2)
    found = parallel.in_order(lambda number: 1 // (3 - number), range(200))
    assert [next(found) for _ in range(3)] == [0, 0, 1]
    with pytest.raises(ZeroDivisionError):
        next(found)


def test_linear_algebra_is_on_one_thread_meanwhile_and_then_as_before(monkeypatch):
    monkeypatch.setattr(parallel, "processors", lambda: 2)
    before = _threads()
    assert {frozenset(found) for found in parallel.in_order(lambda _: _threads(), range(4))} == {frozenset({1})}
    assert _threads() == before


def test_there_is_a_processor():
    assert parallel.processors() >= 1
