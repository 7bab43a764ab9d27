"""Work in order on several threads, with linear algebra on one."""

import threading
from contextlib import closing

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


def test_the_last_of_several_threads_to_leave_gives_the_threads_back():
    """However they overlap: the second must not take the limit of the first for what was before."""
    before = _threads()
    first, second = parallel.single_threaded_algebra(), parallel.single_threaded_algebra()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert _threads() == {1}
    second.__exit__(None, None, None)
    assert _threads() == before


def test_decompositions_in_several_threads_leave_the_threads_as_they_were(monkeypatch):
    monkeypatch.setattr(parallel, "processors", lambda: 2)
    before, meet = _threads(), threading.Barrier(3)

    def work(rounds):
        meet.wait()
        for _ in range(rounds):
            for _ in parallel.in_order(lambda _: np.linalg.svd(np.eye(40), compute_uv=False), range(4)):
                pass

    threads = [threading.Thread(target=work, args=(rounds,)) for rounds in (3, 5, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _threads() == before


def test_closing_before_the_last_gives_the_threads_back(monkeypatch):
    monkeypatch.setattr(parallel, "processors", lambda: 2)
    before = _threads()
    with closing(parallel.in_order(abs, range(10))) as found:
        assert next(found) == 0
        assert _threads() == {1}
    assert _threads() == before
    assert list(found) == []


def test_there_is_a_processor():
    assert parallel.processors() >= 1
