"""Matrices are measured before they are made."""

from __future__ import annotations

import re
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import convmatrix as cm
from convmatrix import memory


@pytest.fixture
def eight_megabytes_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the machine had 8 MB left, and small matrices were checked like large ones."""
    monkeypatch.setattr(memory, "free_memory", lambda: 8_000_000)
    monkeypatch.setattr(memory, "_UNCHECKED", 0)


@pytest.mark.parametrize(("needed", "limit"), [(10, 9), (1, 0), (10**15, 10**12), (2, 1.5)])
def test_above_the_limit(needed: int, limit: float) -> None:
    with pytest.raises(cm.MatrixTooLargeError) as caught:
        memory.check_size("the matrix", needed, limit)
    assert (caught.value.needed, caught.value.limit) == (needed, int(limit))


@pytest.mark.parametrize(("needed", "limit"), [(10, 10), (0, 0), (10**15, 10**15), (10**15, float("inf"))])
def test_within_the_limit(needed: int, limit: float) -> None:
    memory.check_size("the matrix", needed, limit)


@pytest.mark.parametrize("limit", [-1, "1 GB", True, float("nan"), [5]], ids=repr)
def test_a_limit_that_is_none(limit: Any) -> None:
    message = re.escape(f"max_bytes must be a number of bytes of at least 0, got {limit!r}")
    with pytest.raises(cm.ConvMatrixError, match=message):
        cm.conv([1], 5).tosparse(max_bytes=limit)


@pytest.mark.usefixtures("eight_megabytes_free")
def test_the_default_is_most_of_the_free_memory() -> None:
    memory.check_size("the matrix", 6_000_000, None)
    with pytest.raises(cm.MatrixTooLargeError, match=re.escape("the matrix would take 7.0 MB, more than the 6.4 MB")):
        memory.check_size("the matrix", 7_000_000, None)


def test_small_matrices_are_not_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_memory", lambda: pytest.fail("asked"))
    cm.conv([1, 2, 1], 1000).tosparse()


def test_free_memory_is_the_smallest_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 2**20 < memory.free_memory() < 2**50
    monkeypatch.setattr(memory, "_available", lambda: 100)
    monkeypatch.setattr(memory, "_group_room", lambda: 70)
    assert memory.free_memory() == 70
    monkeypatch.setattr(memory, "_group_room", lambda: None)
    assert memory.free_memory() == 100
    monkeypatch.setattr(memory, "_available", lambda: None)
    assert memory.free_memory() == 2**33


def test_where_the_system_keeps_no_books(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(self: Path, *_: Any, **__: Any) -> str:
        raise FileNotFoundError(self)

    monkeypatch.setattr(Path, "read_text", missing)
    assert memory.free_memory() > 2**20


TERABYTES = cm.conv(np.ones((512, 512, 3, 3), np.float32), (512, 512), padding=1)


@pytest.mark.parametrize("way", ["tosparse", "tosympy", "toarray", "csc", "coo", "transpose"])
def test_terabytes_are_refused_at_once(way: str) -> None:
    """Nothing of the matrix's size is allocated before the refusal, nor kept after it."""
    ask: Any = {
        "tosparse": TERABYTES.tosparse,
        "tosympy": TERABYTES.tosympy,
        "toarray": TERABYTES.toarray,
        "csc": lambda: TERABYTES.tosparse("csc"),
        "coo": lambda: TERABYTES.tosparse("coo"),
        "transpose": TERABYTES.T.tosparse,
    }[way]
    tracemalloc.start()
    try:
        with pytest.raises(cm.MatrixTooLargeError, match=r"would take \d+\.\d [TPE]B.*apply the operator without") as e:
            ask()
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()
    assert e.value.needed > e.value.limit
    if way in ("tosparse", "csc", "coo"):
        assert e.value.needed == TERABYTES.nbytes("csr" if way == "tosparse" else way)
        assert "the 134217728 x 134217728 matrix" in str(e.value)


def test_the_operator_of_a_refused_matrix_still_applies() -> None:
    op = cm.conv(np.ones((1, 1, 3), np.float32), 10**6, padding=1)
    with pytest.raises(cm.MatrixTooLargeError):
        op.tosparse(max_bytes=1000)
    x = np.arange(10**6, dtype=np.float32) % 7
    assert np.array_equal((op @ x)[1:-1], x[:-2] + x[1:-1] + x[2:])


@pytest.mark.parametrize("format", ["csr", "csc", "coo"])
def test_the_limit_is_met_to_the_byte(format: str) -> None:
    op = cm.conv(np.ones((2, 2, 3)), 9)
    assert op.tosparse(format, max_bytes=op.nbytes(format)).format == format
    with pytest.raises(cm.MatrixTooLargeError):
        op.tosparse(format, max_bytes=op.nbytes(format) - 1)


def test_only_who_takes_max_bytes_advises_a_larger_one() -> None:
    with pytest.raises(cm.MatrixTooLargeError, match="or pass a larger max_bytes"):
        cm.conv([1, 2, 1], 1000).tosparse(max_bytes=10)
    with pytest.raises(cm.MatrixTooLargeError) as caught:
        _ = cm.overlap(cm.conv_transpose([1, 2, 1], 10**17, stride=2)).counts
    assert str(caught.value).endswith("allowed; use a smaller input, or free some memory")
