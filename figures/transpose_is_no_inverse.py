"""The transpose gives back the shape and not the values: it is not the inverse."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

import convmatrix as cm

from ._sheet import TITLE, Sheet

SECTION = "6"
STEP = 3
CAPTION = (
    "A 3x3 kernel takes 4x4 to 2x2. Its transpose takes that back to 4x4, and so does the pseudoinverse; neither "
    "returns x, for 4 numbers do not hold 16. What the pseudoinverse returns at least has the same answer y; the "
    "transpose's has not. Below, what should be the identity if the transpose were the inverse, and is not."
)
KERNEL = [[0, 1, 2], [2, 2, 0], [0, 1, 2]]
X = np.array([[1, 0, 2, 1], [3, 1, 0, 2], [0, 2, 1, 1], [1, 1, 3, 0]])


def draw() -> Figure:
    C = cm.conv(KERNEL, X.shape)
    inverse = np.linalg.pinv(C.toarray())
    y = C(X)
    sheet = Sheet(8.9, 6.9)
    sheet.grid(X, 0.3, 1.1, cell=0.33, title="x")
    sheet.say("C\n\u2192", 1.95, 1.7, fontsize=12)
    sheet.grid(y, 2.3, 1.43, cell=0.33, title="y = C x")
    for top, name, back, verdict, said in (
        (0.4, "C\u1d40", C.T(y), "not y", "the shape comes back,\nthe values do not"),
        (2.15, "C\u207a", (inverse @ y.ravel()).reshape(X.shape), "y again", "another input\nwith the same answer"),
    ):
        sheet.say(f"{name}\n\u2192", 3.4, top + 0.6, fontsize=12)
        # Adding 0 makes a rounded -0 a 0.
        sheet.grid(back.round(1) + 0, 3.75, top, cell=0.33, title=f"{name} y: not x")
        sheet.say("C\n\u2192", 5.45, top + 0.6, fontsize=12)
        sheet.grid(C(back).round(9), 5.9, top + 0.33, cell=0.33, title=f"C {name} y: {verdict}")
        sheet.say(said, 7.0, top + 0.66, ha="left", fontsize=TITLE)
    C_plus_C = cm.conv((inverse @ C.toarray()).reshape(16, 1, 4, 4), X.shape)
    for left, op, title in (
        (0.6, cm.identity((1, *X.shape)), "I"),
        (3.4, C.T @ C, "C\u1d40 C: rank 4, not I"),
        (6.2, C_plus_C, "C\u207a C: rank 4, not I"),
    ):
        ax = sheet.matrix(op, left, 4.05, cell=0.155, color="value", title=title)
        if left > 1:
            ax.set(yticks=[], ylabel="")
    return sheet.figure
