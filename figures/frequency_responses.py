"""Six kernels as what they let through: the gain at every frequency."""

from __future__ import annotations

from matplotlib.figure import Figure

import convmatrix as cm

from ._sheet import TEXT, TITLE, Sheet

SECTION = "14"
STEP = 1
CAPTION = (
    "How much a wave grows under each kernel, by its frequency along rows and columns: constants in the middle, the "
    "fastest waves at the edges, and the circle is the largest gain. Blurs let slow waves through and a Laplacian fast "
    "ones; a Sobel kernel wants a change across and none down; a box of four has lines of frequencies that it removes "
    "for good. These numbers are all the singular values of the circular layer."
)
KERNELS = {
    "gaussian5": "blur: slow waves pass",
    "box:size=4": "box of 4: lines are lost",
    "sharpen": "sharpen: fast waves grow",
    "laplacian4": "Laplacian: slow waves vanish",
    "sobel_x": "Sobel: changes across",
    "motion": "motion: along the diagonal",
}
GRID = 65
SIDE = 1.95


def draw() -> Figure:
    sheet = Sheet(9, 6.1)
    for place, (name, said) in enumerate(KERNELS.items()):
        response = cm.frequency_response(cm.conv(name, (16, 16)), GRID)
        left, top = 0.75 + 2.95 * (place % 3), 0.75 + 2.85 * (place // 3)
        ax = sheet.panel(left, top, SIDE, SIDE, name)
        cm.plot(response, ax=ax)
        ax.set_title(f"{name}, gain up to {response.gain.max():.3g}", fontsize=TEXT, pad=4)
        sheet.say(said, left + SIDE / 2, top - 0.42, fontsize=TITLE, weight="bold")
        for axis, shown in ((ax.xaxis, place > 2), (ax.yaxis, place % 3 == 0)):
            axis.label.set_visible(shown)
        for bar in ax.child_axes:
            bar.set_ylabel("")
    return sheet.figure
