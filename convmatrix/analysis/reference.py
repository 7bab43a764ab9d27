"""The same layer computed by others: SciPy's sums over windows, and PyTorch where it is installed.

Nothing here uses this package's geometry: borders, steps and sizes are worked out again from the user's arguments, so
that agreement means something. Two axes, one picture, no batch.
"""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass
from typing import Any

import numpy as np

Pairs = list[tuple[int, int]]

_NUMPY_BORDERS = {
    "zeros": "constant",
    "circular": "wrap",
    "reflect": "reflect",
    "replicate": "edge",
    "symmetric": "symmetric",
}
_TORCH_BORDERS = {"zeros": "constant", "circular": "circular", "reflect": "reflect", "replicate": "replicate"}


@dataclass(frozen=True)
class LayerArguments:
    """A 2-D layer's arguments as its user wrote them.

    Attributes
    ----------
    stride, padding, dilation, output_padding
        As in `convmatrix.conv` and `convmatrix.conv_transpose`.
    groups : int
        Blocks of channels.
    padding_mode : str
        What lies outside the picture.
    transpose : bool
        Whether the layer is the transposed convolution.
    """

    stride: Any = 1
    padding: Any = 0
    dilation: Any = 1
    output_padding: Any = 0
    groups: int = 1
    padding_mode: str = "zeros"
    transpose: bool = False

    def both(self, name: str) -> tuple[int, int]:
        """An argument of one integer an axis, for both axes."""
        value = getattr(self, name)
        return (value, value) if isinstance(value, int) else (value[0], value[1])

    def pads(self, picture_size: tuple[int, ...], kernel_size: tuple[int, ...]) -> Pairs:
        """Padding before and after, for both axes."""
        if not isinstance(self.padding, str):
            each = (self.padding,) * 2 if isinstance(self.padding, int) else self.padding
            return [(side, side) if isinstance(side, int) else (side[0], side[1]) for side in each]
        spans = [(k - 1) * d for k, d in zip(kernel_size, self.both("dilation"), strict=True)]
        if self.padding in ("valid", "full"):
            return [(span, span) if self.padding == "full" else (0, 0) for span in spans]
        pairs = []
        for n, span, step in zip(picture_size, spans, self.both("stride"), strict=True):
            last_start = (n - 1) // step * step
            total = max(last_start + span + 1 - n, 0)
            odd = total % 2
            pairs.append((total // 2, total // 2 + odd) if self.padding == "same" else (total // 2 + odd, total // 2))
        return pairs


def load() -> None:
    """Load what the comparisons use, so that their times are those of the work."""
    importlib.import_module("scipy.signal")
    _torch()


def by_scipy(picture: np.ndarray, weight: np.ndarray, layer: LayerArguments) -> np.ndarray:
    """The layer by `scipy.signal.correlate2d` and `convolve2d`, one channel pair after another.

    Parameters
    ----------
    picture : ndarray, shape (c_in, height, width)
        The input.
    weight : ndarray, shape (c_out, c_in/groups, h, w); transposed (c_in, c_out/groups, h, w)
        The weight. Dilation is done by writing zeros between its taps, stride by leaving outputs out, a transposed
        stride by zeros between the inputs.
    layer : LayerArguments
        The rest.

    Returns
    -------
    ndarray, shape (c_out, ...)

    Examples
    --------
    >>> import numpy as np
    >>> by_scipy(np.arange(9).reshape(1, 3, 3), np.ones((1, 1, 2, 2), dtype=int), LayerArguments())
    array([[[ 8, 12],
            [20, 24]]])
    """
    rows, columns = layer.both("dilation")
    spread = np.zeros(
        (*weight.shape[:2], (weight.shape[2] - 1) * rows + 1, (weight.shape[3] - 1) * columns + 1), weight.dtype
    )
    spread[:, :, ::rows, ::columns] = weight
    return (_transposed if layer.transpose else _correlated)(picture, spread, layer, weight.shape[2:])


def _correlated(
    picture: np.ndarray, spread: np.ndarray, layer: LayerArguments, kernel_size: tuple[int, ...]
) -> np.ndarray:
    from scipy.signal import correlate2d

    pads = layer.pads(picture.shape[1:], kernel_size)
    padded = np.pad(picture, [(0, 0), *pads], mode=_NUMPY_BORDERS[layer.padding_mode])  # type: ignore[call-overload]
    down, across = layer.both("stride")
    outputs, inputs = spread.shape[0] // layer.groups, spread.shape[1]
    channels = []
    for channel, filters in enumerate(spread):
        first = channel // outputs * inputs
        read = padded[first : first + inputs]
        pairs = zip(read, filters, strict=True)
        channels.append(sum(correlate2d(plane, taps, mode="valid") for plane, taps in pairs)[::down, ::across])
    return np.stack(channels)


def _transposed(
    picture: np.ndarray, spread: np.ndarray, layer: LayerArguments, kernel_size: tuple[int, ...]
) -> np.ndarray:
    from scipy.signal import convolve2d

    steps, extra = layer.both("stride"), layer.both("output_padding")
    channels, *size = picture.shape
    stuffed = np.zeros((channels, *[(n - 1) * step + 1 for n, step in zip(size, steps, strict=True)]), picture.dtype)
    stuffed[:, :: steps[0], :: steps[1]] = picture
    inputs, outputs = spread.shape[0] // layer.groups, spread.shape[1]
    sums = []
    for channel in range(outputs * layer.groups):
        group, within = divmod(channel, outputs)
        members = range(group * inputs, (group + 1) * inputs)
        sums.append(sum(convolve2d(stuffed[c], spread[c, within], mode="full") for c in members))
    whole = np.pad(np.stack(sums), [(0, 0), (0, extra[0]), (0, extra[1])])
    (top, bottom), (left, right) = layer.pads(picture.shape[1:], kernel_size)
    return whole[:, top : whole.shape[1] - bottom, left : whole.shape[2] - right]


def by_torch(picture: np.ndarray, weight: np.ndarray, layer: LayerArguments) -> np.ndarray | None:
    """The layer by PyTorch in float64, or None where it is not installed or has no such border.

    Parameters and result are those of `by_scipy`. PyTorch is loaded only here.
    """
    torch = _torch()
    if torch is None or layer.padding_mode not in _TORCH_BORDERS:
        return None
    functional = torch.nn.functional
    x = torch.from_numpy(picture.astype(np.float64))[None]
    w = torch.from_numpy(np.ascontiguousarray(weight, dtype=np.float64))
    steps = {"stride": layer.both("stride"), "dilation": layer.both("dilation"), "groups": layer.groups}
    (top, bottom), (left, right) = layer.pads(picture.shape[1:], weight.shape[2:])
    if not layer.transpose:
        border = {"mode": _TORCH_BORDERS[layer.padding_mode]}
        if layer.padding_mode == "circular" and max(top, bottom, left, right) > min(picture.shape[1:]):
            return None  # PyTorch wraps round once at most
        padded = functional.pad(x, (left, right, top, bottom), **border)
        return np.asarray(functional.conv2d(padded, w, **steps)[0].numpy())
    y = functional.conv_transpose2d(x, w, output_padding=layer.both("output_padding"), **steps)[0].numpy()
    return np.asarray(y[:, top : y.shape[1] - bottom, left : y.shape[2] - right])


def _torch() -> Any:
    """PyTorch, or None; a broken installation is as good as none."""
    if importlib.util.find_spec("torch") is None:
        return None
    try:
        return importlib.import_module("torch")
    except Exception:
        return None
