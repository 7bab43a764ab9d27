"""What the tests know of each kind besides the package: drawn arguments, torch's word, and the formula in NumPy.

A kind's case is a class of its name in a file `cases_*.py` here, a subclass of `Case`. Nothing in these files reads the
package's geometry: paddings by name, sizes and strides are worked out again below.
"""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import oracles
import scipy.linalg

CASES: dict[str, type[Case]] = {}


class Case:
    """One kind's case; its functions are called on the class, which nobody makes objects of.

    `draw(d)` gives the positional arguments and the options of a build. `torch(x, *arguments, **options)` is the layer
    with its bias on a batch `x`, by torch; `formula(*arguments, **options)` is `structure` as a dense NumPy matrix,
    read word for word. Both repeat the defaults of the build's options, so that these are tested too.
    """

    structure: ClassVar[str]
    draw: ClassVar[Callable[..., Any]]
    torch: ClassVar[Callable[..., Any]]
    formula: ClassVar[Callable[..., Any]]

    def __init_subclass__(cls) -> None:
        CASES[cls.__name__] = cls


def load() -> dict[str, type[Case]]:
    """The cases of all files."""
    for path in sorted(Path(__file__).parent.glob("cases_*.py")):
        importlib.import_module(path.stem)
    return CASES


# -- drawing -----------------------------------------------------------------------------------------------------------


class Draw:
    """Arguments at random: sizes large enough for every kernel, options left out, equal or unequal on the axes."""

    def __init__(self, rng: np.random.Generator, small: bool = False) -> None:
        self.rng, self.small = rng, small

    def one_of(self, *values: Any) -> Any:
        return values[self.rng.integers(len(values))]

    def integers(self, *shape: int) -> np.ndarray:
        return self.rng.integers(-9, 10, shape)

    def count(self, least: int = 1, most: int = 3) -> int:
        return int(self.rng.integers(least, (max(least, min(most, 2)) if self.small else most) + 1))

    def sizes(self, axes: int) -> tuple[int, ...]:
        least, most = (3, 3) if self.small else (6, 9) if axes < 3 else (5, 6)
        return tuple(self.count(least, most) for _ in range(axes))

    def kernel(self, axes: int) -> tuple[int, ...]:
        return tuple(self.count(1, 2 if self.small or axes > 2 else 3) for _ in range(axes))

    def steps(self, axes: int, most: int = 3) -> Any:
        return self.one_of(self.count(1, most), tuple(self.count(1, most) for _ in range(axes)))

    def dilation(self, axes: int) -> Any:
        return 1 if self.small else self.steps(axes, 2)

    def padding(self, axes: int, names: Sequence[str] = ("valid", "full", "same", "same_lower")) -> Any:
        sides = self.rng.integers(0, 3, (axes, 2)).tolist()
        return self.one_of(self.count(0, 2), [own[0] for own in sides], list(map(tuple, sides)), self.one_of(*names))

    def bias(self, channels: int) -> Any:
        return self.one_of(None, self.integers(channels))

    def some(self, **options: Any) -> dict[str, Any]:
        """Most of the options, the others left to their defaults."""
        return {name: value for name, value in options.items() if self.rng.random() < 0.75}


# -- reading the arguments again ---------------------------------------------------------------------------------------


def per_axis(value: Any, axes: int) -> tuple[int, ...]:
    return (value,) * axes if isinstance(value, int) else tuple(value)


def shape_of(size: Any) -> tuple[int, ...]:
    return (size,) if isinstance(size, int) else tuple(size)


def channelled(weight: Any, axes: int) -> np.ndarray:
    array = np.asarray(weight)
    return array[None, None] if array.ndim == axes else array


def pairs(padding: Any, size: Any, kernel: Sequence[int], stride: Any = 1, dilation: Any = 1) -> list[tuple[int, int]]:
    """The padding of each axis, before and after."""
    sizes = shape_of(size)
    axes = len(sizes)
    if not isinstance(padding, str):
        each = [padding] * axes if isinstance(padding, int) else padding
        return [(own, own) if isinstance(own, int) else tuple(own) for own in each]
    found = []
    for n, k, s, d in zip(sizes, kernel, per_axis(stride, axes), per_axis(dilation, axes), strict=True):
        extent = d * (k - 1) + 1
        needed = max((int(np.ceil(n / s)) - 1) * s + extent - n, 0)
        named = {"valid": (0, 0), "full": (extent - 1, extent - 1)}
        named |= {"same": (needed // 2, needed - needed // 2), "same_lower": (needed - needed // 2, needed // 2)}
        found.append(named[padding])
    return found


# -- torch's word ------------------------------------------------------------------------------------------------------


def tensor(array: Any) -> Any:
    import torch

    return None if array is None else torch.from_numpy(np.array(array, dtype=float))


def convolved(
    x: Any, weight: Any, size: Any, *, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1,
    bias: Any = None, mode: str = "constant",
) -> Any:  # fmt: skip
    """torch's convolution on one axis to three, around any border."""
    from torch.nn import functional as F

    axes = len(shape_of(size))
    array = channelled(weight, axes)
    pads = pairs(padding, size, array.shape[2:], stride, dilation)
    x = F.pad(x, [side for pair in pads[::-1] for side in pair], mode)
    layer = getattr(F, f"conv{axes}d")
    stride, dilation = per_axis(stride, axes), per_axis(dilation, axes)
    return layer(x, tensor(array), tensor(bias), stride=stride, dilation=dilation, groups=groups)


def shuffled(x: Any, groups: int) -> Any:
    """Channels dealt out to all groups: torch's own shuffle wants space behind them."""
    from torch.nn import functional as F

    return F.channel_shuffle(x.reshape(*x.shape[:2], 1, -1), groups).reshape(x.shape)


# -- matrices in NumPy -------------------------------------------------------------------------------------------------


def C(
    weight: Any, size: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1, mode: str = "zeros"
) -> np.ndarray:
    """The matrix of a convolution by brute force, one product at a time."""
    axes = len(shape_of(size))
    array = channelled(weight, axes)
    pads = pairs(padding, size, array.shape[2:], stride, dilation)
    return oracles.dense(array, shape_of(size), per_axis(stride, axes), pads, per_axis(dilation, axes), groups, mode)


def T(taps: Any, size: int, pads: tuple[int, int], dilation: int = 1, stride: int = 1) -> np.ndarray:
    """SciPy's Toeplitz matrix with these taps along each row, and every s-th row of it."""
    spread = np.zeros(dilation * (len(taps) - 1) + 1, dtype=np.asarray(taps).dtype)
    spread[::dilation] = taps
    line = np.concatenate([np.zeros(size + pads[1], spread.dtype), spread, np.zeros(size + pads[0], spread.dtype)])
    first = size + pads[1] + pads[0]
    rows = size + sum(pads) - len(spread) + 1
    return scipy.linalg.toeplitz(line[first : first - rows : -1], line[first : first + size])[::stride]


def kron(*factors: Any) -> np.ndarray:
    """The Kronecker product of all."""
    whole = np.ones((1, 1), dtype=int)
    for factor in factors:
        whole = np.kron(whole, factor)
    return whole


def each_pair(weight: np.ndarray, block: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """A block for every pair of channels."""
    return np.block([[block(kernel) for kernel in filter_] for filter_ in weight])


def by_entry(kernel: np.ndarray, size: Sequence[int], outputs: Sequence[int], tap: Callable[..., Any]) -> np.ndarray:
    """`M[o, i] = w[tap(o, i)]`, 0 where there is no such tap."""
    whole = np.zeros((*outputs, *size), dtype=kernel.dtype)
    for o, i in itertools.product(np.ndindex(*outputs), np.ndindex(*size)):
        at = tuple(np.atleast_1d(tap(np.array(o), np.array(i))).tolist())
        if all(0 <= t < k for t, k in zip(at, kernel.shape, strict=True)):
            whole[(*o, *i)] = kernel[at]
    return whole.reshape(int(np.prod(outputs)), int(np.prod(size)))


def permuted(order: Any) -> np.ndarray:
    """The matrix whose output `r` is input `order[r]`."""
    return np.eye(np.size(order), dtype=int)[np.ravel(order)]
