"""One tree of errors, each a `ValueError`, and sizes as people read them."""

from __future__ import annotations

import pickle

import pytest

import convmatrix as cm
from convmatrix.errors import MatrixTooLargeError, readable_bytes


@pytest.mark.parametrize("kind", [cm.KernelError, cm.SymbolicError, cm.MatrixTooLargeError], ids=lambda k: k.__name__)
def test_every_error_is_one_of_the_package_and_a_value_error(kind: type[Exception]) -> None:
    assert issubclass(kind, cm.ConvMatrixError)
    assert issubclass(cm.ConvMatrixError, ValueError)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (1_395_000_000, "1.4 GB"),
        (999_940, "999.9 kB"),
        (999_960, "1.0 MB"),
        (10**12, "1.0 TB"),
        (5 * 10**15, "5.0 PB"),
        (10**18, "1.0 EB"),
        (10**24, "1000000.0 EB"),
        (10**400, "more than 10^300 bytes"),
    ],
)
def test_bytes_are_readable(count: int, text: str) -> None:
    assert readable_bytes(count) == text


def test_a_matrix_too_large_says_how_large_and_the_way_round() -> None:
    error = MatrixTooLargeError("the 5 x 7 matrix", 3 * 10**12, 4 * 10**9)
    assert (error.needed, error.limit) == (3 * 10**12, 4 * 10**9)
    for part in ("the 5 x 7 matrix would take 3.0 TB", "4.0 GB allowed", "op @ v", "larger max_bytes"):
        assert part in str(error)


@pytest.mark.parametrize("kind", [cm.ConvMatrixError, cm.KernelError, cm.SymbolicError], ids=lambda k: k.__name__)
def test_errors_travel_between_processes(kind: type[Exception]) -> None:
    again = pickle.loads(pickle.dumps(kind("what is wrong")))
    assert (type(again), str(again)) == (kind, "what is wrong")
