"""What a structure of a convolution is called in its transpose, whose factors are applied in reverse order."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from convmatrix.analysis.decomposition.ordering import describe
from convmatrix.analysis.decomposition.parts import Absent, Candidate, Order, Part

_OTHER = {"bottleneck, 1x1 first": "bottleneck, 1x1 last", "depthwise separable": "blueprint separable"}
_OTHER |= {name: other for other, name in _OTHER.items()}


def turned(one: Candidate | Absent, channels: int) -> Candidate | Absent:
    """The answer in the words of the transposed layer, which reads `channels` channels; its parts stay as they are."""
    name = _OTHER.get(one.name, one.name)
    if " then " in name:
        name = " then ".join(reversed(name.split(" then ")))
    if isinstance(one, Absent):
        return Absent(name, one.reason)
    settings = dict(one.settings)
    orders = [part.sources for part in one.parts if isinstance(part, Order)]
    if orders:
        layer = next(part for part in one.parts if isinstance(part, Part))
        name, settings = _grouped(name, settings, orders, layer, channels)
    return dataclasses.replace(one, name=name, settings=settings)


def _grouped(
    name: str, settings: dict[str, Any], orders: list[np.ndarray], layer: Part, channels: int
) -> tuple[str, dict[str, Any]]:
    """Depthwise is one group for each channel that the transposed layer reads."""
    settings.pop("multiplier", None)
    is_depthwise = layer.groups == channels
    name = name.replace("depthwise" if "depthwise" in name else "grouped", "depthwise" if is_depthwise else "grouped")
    settings |= {"multiplier": layer.weight.shape[1]} if is_depthwise else {}
    if "input_order" in settings:
        settings["input_order"], settings["output_order"] = (describe(np.argsort(o)) for o in reversed(orders))
    return name, settings
