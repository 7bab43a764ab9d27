"""The error tree: everything the package raises on purpose is a `ConvMatrixError`."""

from __future__ import annotations

_BEYOND_FLOATS = 10**300


class ConvMatrixError(ValueError):
    """A request that cannot be met.

    The message names the argument, the rule it breaks and the value received.
    It is a `ValueError`, so code that knows nothing of this package can catch it.

    >>> import convmatrix as cm
    >>> cm.conv([1, 2, 1], 8, stride=0)
    Traceback (most recent call last):
    ...
    convmatrix.errors.ConvMatrixError: stride must be at least 1, got 0 on axis 0
    """


class KernelError(ConvMatrixError):
    """A kernel's name, text or file that cannot be read."""


class SymbolicError(ConvMatrixError):
    """Numbers were asked of an operator whose entries are symbols or exact fractions."""


class MatrixTooLargeError(ConvMatrixError):
    """The explicit matrix would not fit; the operator itself still applies without it.

    Attributes
    ----------
    needed, limit : int
        Bytes the matrix would take, and the bytes allowed.
    """

    WITHOUT_MATRIX = (
        "apply the operator without its matrix (op(x), op @ v, svds(op), lsqr(op, y)), or pass a larger max_bytes"
    )

    def __init__(self, what: str, needed: int, limit: int, way_round: str = WITHOUT_MATRIX) -> None:
        self.needed = int(needed)
        self.limit = int(limit)
        super().__init__(
            f"{what} would take {readable_bytes(needed)}, more than the {readable_bytes(limit)} allowed; {way_round}"
        )


def readable_bytes(count: int) -> str:
    """Bytes as people read them: `1.4 GB`, in powers of 1000.

    >>> readable_bytes(1_395_000_000)
    '1.4 GB'
    """
    if count < 1000:
        return f"{count} bytes"
    if count >= _BEYOND_FLOATS:
        return "more than 10^300 bytes"
    units = ("bytes", "kB", "MB", "GB", "TB", "PB", "EB")
    size, step = float(count), 0
    while size >= 999.95 and step < len(units) - 1:
        size, step = size / 1000, step + 1
    return f"{size:.1f} {units[step]}"
