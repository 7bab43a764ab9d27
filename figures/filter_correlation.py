"""Filters of adjacent layers sort themselves into blocks: small networks trained dense and with filter groups."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

import convmatrix as cm

from .networks import digits

SECTION = "10"
STEP = 3
CAPTION = (
    "Five networks, alike but for their filter groups, read handwritten digits: all get 99 % of those held out right. "
    "A cell says how strongly a filter of the last 1x1 layer goes together with one of the 3x3 layer before it, over "
    "256 of these digits. Trained dense, strong pairs lie anywhere; in groups they gather in the diagonal blocks, far "
    "beyond what chance gives. Most of this the groups do by themselves: networks of random weights show it too, and "
    "training added a little in these runs where groups are small. Beside the blocks not all is dark: all groups look "
    "at the same digits."
)
FIRST, SECOND = 4, 5


def draw() -> Figure:
    images, _ = digits.sample()
    networks = digits.networks()
    figure, axes = plt.subplots(2, 3, figsize=(9, 6.9), layout="constrained")
    found, shares = {}, {}
    for (groups, network), ax in zip(networks.items(), axes.flat, strict=False):
        found[groups] = _correlation(network, images)
        shares[groups] = found[groups].block_share(groups)
        cm.plot(found[groups], ax=ax, groups=groups, colorbar=False)
        beside = "" if groups == 1 else f"\n{shares[groups]:.0%} in the blocks, by chance {100 / groups:.3g}%"
        name = "dense" if groups == 1 else f"{groups} groups"
        ax.set_title(f"{name}: {network.accuracy:.1%} right{beside}", fontsize=8.5)
        ax.set_xlabel("filter of layer 3a", fontsize=8)
        ax.set_ylabel("filter of layer 3b", fontsize=8)
    bar = figure.colorbar(axes[0, 0].images[0], ax=axes, location="bottom", shrink=0.4, aspect=40)
    bar.set_label("|correlation|", fontsize=8)
    bar.ax.tick_params(labelsize=8)
    summary = axes[1, 2]
    counts = [groups for groups in networks if groups > 1]
    for label, look, color, drawn in (
        ("trained in groups", "o-", "#3f90da", [shares[groups] for groups in counts]),
        ("in groups, random weights", "^-.", "#717581", [_random_share(networks[groups], images) for groups in counts]),
        ("trained dense", "s--", "#bd1f01", [found[1].block_share(groups) for groups in counts]),
        ("chance", ":", "black", [1 / groups for groups in counts]),
    ):
        summary.plot(counts, drawn, look, color=color, label=label)
    summary.set_xscale("log", base=2)
    summary.set_xticks(counts, counts)
    summary.set_ylim(0, 1)
    summary.set_title("squared correlation in the blocks, share", fontsize=8.5)
    summary.set_xlabel("groups", fontsize=8)
    summary.tick_params(labelsize=8)
    summary.legend(
        frameon=False, fontsize=7.5, loc="upper right", bbox_to_anchor=(1, 0.62), labelspacing=0.3, handlelength=1.7
    )
    return figure


def _correlation(network: digits.Network, images: np.ndarray) -> cm.FilterCorrelation:
    seen = network.responses(images)[FIRST - 1]
    return cm.filter_correlation(network.layers[FIRST], network.layers[SECOND], seen, activation=digits.relu)


def _random_share(network: digits.Network, images: np.ndarray) -> float:
    """The mean over three networks of random weights."""
    blind = [digits.untrained(network, images, np.random.default_rng(seed)) for seed in range(3)]
    return float(np.mean([_correlation(own, images).block_share(network.groups) for own in blind]))
