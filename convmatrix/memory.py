"""How much memory a matrix may take: known before it is made, refused before it is allocated."""

from __future__ import annotations

import os
from numbers import Real
from pathlib import Path

from convmatrix.errors import ConvMatrixError, MatrixTooLargeError

_UNCHECKED = 1 << 26
_SHARE = 0.8
_SMALLER = "use a smaller input, or free some memory"


def check_size(what: str, needed: int, max_bytes: float | None = None, way_round: str = _SMALLER) -> None:
    """Raise `MatrixTooLargeError` if `needed` bytes exceed `max_bytes`, by default 80 % of the free memory.

    `way_round` is what the message advises; who takes a `max_bytes` from the user says so there.
    """
    if max_bytes is None:
        if needed <= _UNCHECKED:
            return
        max_bytes = int(_SHARE * free_memory())
    elif isinstance(max_bytes, bool) or not isinstance(max_bytes, Real) or not max_bytes >= 0:
        raise ConvMatrixError(f"max_bytes must be a number of bytes of at least 0, got {max_bytes!r}")
    if needed > max_bytes:
        raise MatrixTooLargeError(what, needed, int(min(max_bytes, 2**63)), way_round)


def check_result(needed: int) -> None:
    """The same for what a product allocates."""
    if needed > _UNCHECKED and needed > (limit := int(_SHARE * free_memory())):
        raise MatrixTooLargeError(
            "the product", needed, limit, "apply the operator to fewer or smaller inputs at a time"
        )


def free_memory() -> int:
    """Bytes this process can still take: what the system has available, within its control group's limit."""
    free = [size for size in (_available(), _group_room()) if size is not None]
    return min(free) if free else 1 << 33


def _available() -> int | None:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def _group_room() -> int | None:
    group = Path("/sys/fs/cgroup")
    try:
        return max(int((group / "memory.max").read_text()) - int((group / "memory.current").read_text()), 0)
    except (OSError, ValueError):
        return None
