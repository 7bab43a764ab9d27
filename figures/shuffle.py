"""The channel shuffle deals channels out, so that every group of the next layer gets some of each."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import convmatrix as cm
from convmatrix.plots import style

from ._groups import COLORS, LETTERS, cells
from ._sheet import NUMBER, TEXT, TITLE, Sheet

SECTION = "11"
STEP = 2
CAPTION = (
    "Above, nine channels in groups A, B and C, and where the shuffle puts them: each group of the next layer, framed, "
    "gets one channel of every group. As a matrix it is a permutation. Below, what the outputs of two grouped layers "
    "depend on: a row is an output, a column an input with the letter of its group, hatched is no way from one to the "
    "other. Without a shuffle groups never meet, with it all do. That takes as many channels in a group as there are "
    "groups: of six channels in three groups, every output still misses one group."
)
GROUPS = 3
CELL = 0.28


def draw() -> Figure:
    sheet = Sheet(9, 7.85)
    shuffle = cm.channel_shuffle((9, 1), GROUPS)
    said = "the shuffle deals the channels of each group out to all groups"
    sheet.say(said, 0.25, 0.3, ha="left", fontsize=TITLE, weight="bold")
    _draw_lines(sheet, shuffle)
    _draw_permutation(sheet, shuffle)
    said = "which inputs an output of two grouped layers depends on"
    sheet.say(said, 0.25, 4.05, ha="left", fontsize=TITLE, weight="bold")
    for channels, shuffled, left in ((9, False, 0.4), (9, True, 3.4), (6, True, 6.4)):
        _draw_reach(sheet, channels, shuffled, left, 4.95)
    return sheet.figure


def _group_of(channels: int) -> np.ndarray:
    return np.arange(channels) * GROUPS // channels


def _names(channels: int) -> list[str]:
    return [f"{LETTERS[group]}{place % (channels // GROUPS)}" for place, group in enumerate(_group_of(channels))]


def _groups_read(matrix: np.ndarray) -> np.ndarray:
    """The group of each column where there is an entry, masked elsewhere."""
    return np.ma.masked_array(np.broadcast_to(_group_of(matrix.shape[1]), matrix.shape), mask=matrix == 0)


def _draw_lines(sheet: Sheet, shuffle: cm.TensorOperator) -> None:
    """Channels before and after, a line from where each was to where it is."""
    count = shuffle.shape[0]
    source = shuffle(np.arange(count)[:, None]).ravel()
    groups = _group_of(count)
    names = _names(count)
    x = np.arange(count) + 0.5 * groups
    ax = sheet.panel(0.4, 0.75, 5.2, 2.9, "lines")
    ax.set(xlim=(-0.7, x[-1] + 0.7), ylim=(4.6, -0.95))
    ax.axis("off")
    for place, channel in enumerate(source):
        color = COLORS[groups[channel]]
        down = np.linspace(0, 1, 40)
        across = x[channel] + (x[place] - x[channel]) * (3 * down**2 - 2 * down**3)
        ax.plot(across, 0.4 + 2.7 * down, color=color, linewidth=2.2)
        _draw_channel(ax, x[channel], 0, names[channel], color)
        _draw_channel(ax, x[place], 3.5, names[channel], color)
    for group, letter in enumerate(LETTERS[:GROUPS]):
        own = x[groups == group]
        low, high = own[0] - 0.6, own[-1] + 0.6
        ax.add_patch(plt.Rectangle((low, 2.95), high - low, 1.1, fill=False, edgecolor=style.INK, linewidth=1.6))
        ax.text(own.mean(), -0.75, f"group {letter}", ha="center", fontsize=8.5)
        ax.text(own.mean(), 4.45, f"read by group {letter}", ha="center", fontsize=8.5)


def _draw_permutation(sheet: Sheet, shuffle: cm.TensorOperator) -> None:
    matrix = shuffle.toarray()
    names = np.array(_names(len(matrix)))
    ax = cells(sheet, _groups_read(matrix), matrix, 6.3, 0.95, cell=CELL, title="its matrix: a permutation")
    ax.set_xticks(range(len(names)), names, fontsize=7.5)
    ax.set_yticks(range(len(names)), names[matrix.argmax(axis=1)], fontsize=7.5)
    ax.tick_params(length=0)


def _draw_channel(ax: Axes, x: float, y: float, name: str, color: str) -> None:
    ax.add_patch(plt.Rectangle((x - 0.4, y - 0.4), 0.8, 0.8, facecolor=color, edgecolor="none", label=name))
    ax.text(x, y, name, ha="center", va="center", fontsize=NUMBER, color=style.ink_on(color))


def _draw_reach(sheet: Sheet, channels: int, shuffled: bool, left: float, top: float) -> None:
    """Two layers of 1x1 in groups, and which inputs each output depends on."""
    each = channels // GROUPS
    grouped = cm.conv(np.ones((channels, each, 1), dtype=int), 1, groups=GROUPS)
    both = grouped @ cm.channel_shuffle((channels, 1), GROUPS) @ grouped if shuffled else grouped @ grouped
    read = _groups_read(both.toarray())
    words = np.array(list(LETTERS))[_group_of(channels)]
    (seen,) = {len(set(row.compressed())) for row in read}
    how = "shuffled" if shuffled else "not shuffled"
    ax = cells(sheet, read, np.broadcast_to(words, read.shape), left, top, cell=CELL)
    ax.set_xlabel("inputs", fontsize=TEXT)
    ax.set_ylabel("outputs", fontsize=TEXT)
    middle = left + channels * CELL / 2
    sheet.say(f"every output sees {seen} of {GROUPS} groups", middle, top - 0.38, weight="bold")
    sheet.say(f"{channels} channels: {GROUPS} groups of {each}, {how}", middle, top - 0.16)
    if each < GROUPS:
        sheet.say(
            f"{each} channels a group are too few\nfor {GROUPS} groups to share", middle, top + channels * CELL + 0.55
        )
