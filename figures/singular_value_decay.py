"""Trained kernels are little more separable than random ones, so forcing them to be costs accuracy."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

import convmatrix as cm

from .networks import digits

SECTION = "8.1"
STEP = 5
CAPTION = (
    "Left and middle: singular values as shares of the largest, means and the range of the middle 80 %, of the 3x3 "
    "kernels of a network trained dense, and of its filters as channels by taps. A separable kernel, or a filter that "
    "is depthwise separable, has one. Kernels of the last trained layer fall off a little faster than random ones, "
    "filters somewhat faster, and all three and all nine values count. Right: the share of 256 digits recognised when "
    "every kernel, or filter, is replaced by the nearest of a lower rank, without training again: rank one ruins all "
    "five networks."
)
LAYERS = {0: "layer 1a", 2: "layer 2a", 4: "layer 3a"}
BLUE, ORANGE, RED, GREY = "#3f90da", "#ffa90e", "#bd1f01", "#717581"


def draw() -> Figure:
    networks, (images, labels) = digits.networks(), digits.sample()
    dense, rng = networks[1], np.random.default_rng(0)
    figure, (kernels, filters, accuracy) = plt.subplots(1, 3, figsize=(9, 3.7), layout="constrained")
    weights = {name: dense.layers[place].weight for place, name in LAYERS.items()}
    weights["random"] = rng.normal(size=(48, 48, 3, 3))
    for number, (name, weight) in enumerate(weights.items()):
        _decay(kernels, cm.separate(weight, batch_axes=2).singular_values, name, number)
        if weight.shape[1] > 1:
            _decay(filters, cm.separate(_by_taps(weight), batch_axes=1).singular_values, name, number)
    for ax, count, title in ((kernels, 3, "3x3 kernels"), (filters, 9, "filters, 48 channels by 9 taps")):
        ax.plot(range(1, count + 1), np.eye(1, count)[0], ":", color="black", label="separable")
        ax.set_ylim(-0.04, 1.06)
        _name(ax, title, "singular value", "share of the largest")
        ax.set_xticks(range(1, count + 1))
        ax.legend(frameon=False, fontsize=8)
    for groups, network in networks.items():
        bold = {"color": BLUE, "marker": "o", "label": "3x3 kernels"} if groups == 1 else {"color": GREY, "marker": "."}
        shares = [_accuracy(network, images, labels, rank, kernels=True) for rank in (1, 2, 3)]
        named = {"label": "the same, 2 to 16 groups"} if groups == 2 else {}
        accuracy.plot((1, 2, 3), shares, linewidth=2 if groups == 1 else 0.8, zorder=3 - (groups > 1), **bold | named)
    shares = [_accuracy(dense, images, labels, rank, kernels=False) for rank in range(1, 10)]
    accuracy.plot(range(1, 10), shares, "s--", color=RED, label="filters by taps")
    accuracy.axhline(0.1, linestyle=":", color="black", label="guessing")
    accuracy.set_ylim(0, 1.03)
    _name(accuracy, "nearest weights of a lower rank", "rank", "digits recognised")
    accuracy.set_xticks(range(1, 10))
    accuracy.legend(frameon=False, fontsize=8)
    return figure


def _decay(ax: Any, values: np.ndarray, name: str, number: int) -> None:
    """Mean and middle 80 % of normalised singular values, beside those of the others."""
    shares = (values / values[..., :1]).reshape(-1, values.shape[-1])
    low, high = np.quantile(shares, (0.1, 0.9), axis=0)
    mean, places = shares.mean(axis=0), np.arange(1, shares.shape[1] + 1) + 0.09 * (number - 1.5)
    style = {"color": (BLUE, ORANGE, RED, GREY)[number], "marker": "osD^"[number], "markersize": 4, "capsize": 2}
    ax.errorbar(places, mean, (mean - low, high - mean), linewidth=1, linestyle="-", label=name, **style)


def _name(ax: Any, title: str, across: str, up: str) -> None:
    ax.set_title(title, fontsize=9.5)
    ax.set_xlabel(across, fontsize=8.5)
    ax.set_ylabel(up, fontsize=8.5)
    ax.set_yticks(np.linspace(0, 1, 6))
    ax.tick_params(labelsize=8)


def _by_taps(weight: np.ndarray) -> np.ndarray:
    return weight.reshape(*weight.shape[:2], -1)


def _accuracy(network: digits.Network, images: np.ndarray, labels: np.ndarray, rank: int, *, kernels: bool) -> float:
    """With the nearest weights of a rank in the 3x3 layers; layer 1a has one channel, and so no filters to cut."""
    cut = {}
    for place in LAYERS if kernels else (2, 4):
        weight = network.layers[place].weight
        found = cm.separate(weight, batch_axes=2) if kernels else cm.separate(_by_taps(weight), batch_axes=1)
        cut[place] = found.approximate(rank).reshape(weight.shape)
    return float((network.with_weights(cut).classify(images) == labels).mean())
