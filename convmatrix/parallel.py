"""Work spread over the processors there are, and linear algebra kept from spreading itself a second time."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any, TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_order(job: Callable[[_Item], _Result], items: Sequence[_Item]) -> Generator[_Result, None, None]:
    """`job` of every item, in their order, several at a time; each with linear algebra on one thread.

    Threads within threads would wait for each other: many small decompositions take several times as long. An
    exception of one job is raised in its turn, and no further jobs begin. Who may stop before the last closes it, which
    gives linear algebra its threads back: `with contextlib.closing(in_order(...)) as found`.

    Examples
    --------
    >>> list(in_order(abs, [-1, 2, -3]))
    [1, 2, 3]
    """
    workers = min(processors(), len(items))
    if workers <= 1:
        yield from map(job, items)
        return
    with single_threaded_algebra(), ThreadPoolExecutor(workers) as pool:
        try:
            yield from pool.map(job, items)
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def single_threaded_algebra() -> Iterator[None]:
    """NumPy's and SciPy's linear algebra on one thread each, for as long as this lasts.

    The limit is the whole process's: it stands from the first to come until the last has gone, in whatever order.
    """
    _limit.enter()
    try:
        yield
    finally:
        _limit.leave()


class _Limit:
    """The one limit of the process, and how many want it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._wanted = 0
        self._set: Any = None

    def enter(self) -> None:
        with self._lock:
            if not self._wanted:
                self._set = _controller().limit(limits=1, user_api="blas")
            self._wanted += 1

    def leave(self) -> None:
        with self._lock:
            self._wanted -= 1
            if not self._wanted:
                self._set.restore_original_limits()


_limit = _Limit()


@cache
def _controller() -> Any:
    # Which libraries there are is found out once: it takes longer than a small decomposition.
    import scipy.linalg  # noqa: F401  SciPy brings its own
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
