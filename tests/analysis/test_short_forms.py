"""What a result says of itself in one line, as an interactive session shows it."""

import numpy as np
import pytest

import convmatrix as cm

ONES = np.ones((4, 4, 3, 3), dtype=np.int64)
BORDER = "the outermost 1 position at every side of both axes: 20 of 36 output positions"
CASES = {
    "Separability(3x3 kernel, rank 1, exact)": lambda: cm.separate("sobel_x"),
    "SeparabilityBatch(16 3x3 kernels, batch shape (4, 4), exact)": lambda: cm.separate(ONES, batch_axes=2),
    "Flattening(2x2x2 filter, multilinear rank (1, 1, 1), exact)": lambda: cm.flatten("1 2; 3 6 | 2 4; 6 12"),
    "FlatteningBatch((4,) filters of 4x3x3, 4 of rank 1)": lambda: cm.flatten(ONES, batch_axes=1),
    "Decomposition(<Convolution 3x3: (1, 6, 6) -> (1, 4, 4), 16 x 36 matrix, int64>, structures": lambda: cm.decompose(
        cm.conv("sobel_x", (6, 6))
    ),
    "Structure(column then row, exactly, factors (<Convolution 3x1: (4, 6, 6) -> (1, 4, 6)": lambda: (
        cm.decompose(ONES).best
    ),
    "Fusion(<Convolution 3: (1, 5) -> (1, 3), 3 x 5 matrix, int64>, proved)": lambda: cm.fuse(cm.conv([1, 2, 1], 5)),
    f"Fusion(<Convolution 5x5, padding 2: (1, 6, 6) -> (1, 6, 6), 36 x 36 matrix, int64>, {BORDER})": lambda: cm.fuse(
        cm.conv("sobel_x", (6, 6), padding=1), cm.conv("laplacian4", (6, 6), padding=1)
    ),
    "Comparison(equal, exactly)": lambda: cm.fuse(cm.conv([1, 2, 1], 5)).comparison,
}


@pytest.mark.parametrize("said", CASES, ids=lambda said: said.partition("(")[0])
def test_one_line(said: str) -> None:
    shown = repr(CASES[said]())
    assert shown.startswith(said)
    assert "\n" not in shown
