"""Work spread over the processors there are, and linear algebra kept from spreading itself a second time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_order(job: Callable[[_Item], _Result], items: Sequence[_Item]) -> Iterator[_Result]:
    """`job` of every item, in their order, several at a time; each with linear algebra on one thread.

    Threads within threads would wait for each other: many small decompositions take several times as long. An
    exception of one job is raised in its turn, and no further jobs begin.

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
    """NumPy's and SciPy's linear algebra on one thread each, for as long as this lasts."""
    with _controller().limit(limits=1, user_api="blas"):
        yield


@cache
def _controller() -> Any:
    # Which libraries there are is found out once: it takes longer than a small decomposition.
    import scipy.linalg  # noqa: F401  SciPy brings its own
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
