"""A photograph read from a file, and the picture of what a layer's matrix makes of it."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from convmatrix.analysis.application import Application
from convmatrix.errors import ConvMatrixError, readable_bytes
from convmatrix.operators import TensorOperator
from convmatrix.plots import plot, style
from convmatrix.plots.operator import CELLS

SAMPLE = "grace_hopper.jpg"
"""The photograph among matplotlib's sample data, 512 x 600 pixels."""
_MOST_PIXELS = 100_000_000
_DEEP = re.compile("(?:RGB[AX]?|LA|CMYK);16")
_NUMBERED = 12
_APART = 3
"""Points more between numbers of neighbours than elsewhere: rows of three digits are read as one otherwise."""
_TICKS = 8
_SHOWN_CHANNELS = 4
_MARK = "#e0007a"
# Inches: the three columns from the left, the two rows from the top.
_SIZE = (9.0, 6.6)
_COLUMNS = ((0.36, 2.05), (3.05, 2.4), (6.3, 2.05))
_ROWS = ((1.05, 2.4), (4.2, 2.0))


def sample_photograph() -> Path:
    """Where matplotlib keeps its sample photograph.

    Raises
    ------
    ConvMatrixError
        If this installation came without sample data.
    """
    import matplotlib

    path = Path(matplotlib.get_data_path()) / "sample_data" / SAMPLE
    if not path.is_file():
        raise ConvMatrixError(f"photograph must be given: this matplotlib came without its sample, got no {SAMPLE}")
    return path


def read_photograph(path: Path) -> np.ndarray:
    """A picture file as 8-bit red, green and blue.

    Parameters
    ----------
    path : Path
        Any format Pillow reads, with 8 bits a channel; turned upright as its EXIF data say, transparency on white.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)

    Raises
    ------
    ConvMatrixError
        If the file is missing, empty, broken, no picture, deeper than 8 bits or larger than 100 million pixels.
    """
    # matplotlib brings Pillow, so no other package may count on it.
    from PIL import Image, ImageOps, UnidentifiedImageError

    name = repr(str(path))
    if not path.is_file():
        raise ConvMatrixError(f"photograph must be a file that exists, got {name}")
    try:
        with warnings.catch_warnings(), Image.open(path) as opened:
            warnings.simplefilter("ignore")
            width, height = opened.size
            if width * height > _MOST_PIXELS:
                raise ConvMatrixError(f"photograph must have at most {_MOST_PIXELS} pixels, got {width} x {height}")
            if opened.mode[0] in "IF":
                raise ConvMatrixError(f"photograph must have 8 bits a channel, got mode {opened.mode} in {name}")
            # Deep colours open in a mode of 8 bits; only their layout in the file tells.
            if any(_DEEP.search(str(tile[3])) for tile in opened.tile):
                raise ConvMatrixError(f"photograph must have 8 bits a channel, got 16 in {name}")
            upright = ImageOps.exif_transpose(opened)
            if "A" in upright.getbands() or "transparency" in upright.info:
                upright = upright.convert("RGBA")
                upright = Image.alpha_composite(Image.new("RGBA", upright.size, "white"), upright)
            return np.asarray(upright.convert("RGB"))
    except ConvMatrixError:
        raise
    except Image.DecompressionBombError:
        raise ConvMatrixError(f"photograph must have at most {_MOST_PIXELS} pixels, got more in {name}") from None
    except (OSError, SyntaxError, ValueError, EOFError, IndexError) as error:
        reason = "no picture" if isinstance(error, UnidentifiedImageError) else str(error)
        raise ConvMatrixError(f"photograph must be an intact picture file, got {name}: {reason}") from None


def draw_photograph(application: Application, *, title: str = "") -> Any:
    """The photograph, the matrix and the result above; the same for a few pixels below, number by number.

    Parameters
    ----------
    application : Application
        What is drawn.
    title : str
        The kernel's name, for the heading.

    Returns
    -------
    Figure
    """
    figure = style.new_figure(*_SIZE)
    axes = {
        (row, column): style.panel(figure, f"{row} {column}", left, top, width, height)
        for row, (top, height) in zip(("whole", "patch"), _ROWS, strict=True)
        for column, (left, width) in zip(("input", "matrix", "output"), _COLUMNS, strict=True)
    }
    rows, columns = application.operator.shape
    figure.suptitle(
        f"{title + ': ' if title else ''}result = C x photograph, with C the {rows:,} x {columns:,} matrix "
        f"of the layer\n({application.nnz:,} entries, {readable_bytes(application.nbytes)})",
        fontsize=style.LARGE,
        x=0.5,
        y=1 - 0.12 / _SIZE[1],
    )
    proof = {"fontsize": style.NORMAL, "color": "#444444"}
    figure.text(0.5, 1 - 0.62 / _SIZE[1], _proof(application), ha="center", va="center", **proof)
    _photograph(axes["whole", "input"], application.picture)
    _matrix(axes["whole", "matrix"], application.operator, "matrix C")
    picture = _result(axes["whole", "output"], application.result)
    _bar(figure, axes["whole", "output"], picture)
    if application.patch is None:
        for column in ("input", "matrix", "output"):
            axes["patch", column].remove()
    else:
        _patch(figure, axes, application, picture)
    return figure


def _proof(application: Application) -> str:
    *names, last = [comparison.name for comparison in application.comparisons]
    largest = max(comparison.difference for comparison in application.comparisons)
    return f"compared with {', '.join(names)} and {last}: {application.verdict} (largest difference {largest:.3g})"


def _matrix(ax: Any, op: TensorOperator, title: str) -> None:
    """A matrix with few labels; the density of a large one needs no key, since its title counts the entries."""
    few = max(op.shape) <= CELLS
    plot(op, ax=ax, legend=few)
    for axis in (ax.xaxis, ax.yaxis):
        places, labels = axis.get_ticklocs(), [label.get_text() for label in axis.get_ticklabels()]
        step = -(-len(places) // _TICKS)
        if not few and len(labels) == len(places):
            axis.set_ticks(places[::step], labels[::step])
    rows, columns = op.shape
    ax.set_title(f"{title}, {rows:,} x {columns:,}", fontsize=style.NORMAL)


def _photograph(ax: Any, picture: np.ndarray) -> None:
    _picture(ax, picture)
    channels, height, width = picture.shape
    ax.set_title(f"photograph, {height} x {width}{' x 3' if channels == 3 else ''}", fontsize=style.NORMAL)
    ax.tick_params(labelsize=style.SMALL)


def _picture(ax: Any, picture: np.ndarray) -> None:
    if picture.shape[0] == 3:
        ax.imshow(picture.transpose(1, 2, 0).astype(np.uint8))
    else:
        ax.imshow(picture[0], cmap="gray", vmin=0, vmax=255)


def _result(ax: Any, result: np.ndarray) -> Any:
    """The first channels side by side: signed values with 0 white, others from black to white."""
    channels = result[:_SHOWN_CHANNELS].astype(np.float64)
    ceiling = float(np.percentile(np.abs(channels), 99.5)) or float(np.abs(channels).max()) or 1.0
    signed = bool(channels.min() < 0)
    colors = {"cmap": "RdBu_r", "vmin": -ceiling, "vmax": ceiling} if signed else {"cmap": "gray", "vmin": 0}
    if not signed:
        colors["vmax"] = max(ceiling, float(np.percentile(channels, 99.9)))
    picture = ax.imshow(_mosaic(channels), **colors)
    count, height, width = result.shape
    shown = "" if count == 1 else f", channels 0 to {len(channels) - 1} of {count}"
    ax.set_title(f"result, {height} x {width}{shown}", fontsize=style.NORMAL)
    ax.tick_params(labelsize=style.SMALL)
    if count > 1:
        style.bare(ax)
    return picture


def _mosaic(channels: np.ndarray) -> np.ndarray:
    """Channels in two columns with a gap between."""
    count, height, width = channels.shape
    if count == 1:
        return channels[0]
    gap = max(2, max(height, width) // 60)
    rows = -(-count // 2)
    canvas = np.full((rows * (height + gap) - gap, 2 * width + gap), np.nan)
    for number, channel in enumerate(channels):
        top, left = (number // 2) * (height + gap), (number % 2) * (width + gap)
        canvas[top : top + height, left : left + width] = channel
    return canvas


def _bar(figure: Any, ax: Any, picture: Any) -> None:
    ax.apply_aspect()
    box = ax.get_position()
    place = figure.add_axes((box.x1 + 0.08 / _SIZE[0], box.y0, 0.1 / _SIZE[0], box.height), label="scale")
    low, high = picture.get_clim()
    values = picture.get_array()
    beyond = (bool(values.min() < low), bool(values.max() > high))
    extend = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}[beyond]
    figure.colorbar(picture, cax=place, extend=extend).ax.tick_params(labelsize=style.SMALL)


def _patch(figure: Any, axes: dict[tuple[str, str], Any], application: Application, picture: Any) -> None:
    patch = application.patch
    assert patch is not None
    _picture(axes["patch", "input"], patch.pixels)
    _matrix(axes["patch", "matrix"], patch.operator, "the layer's matrix on these pixels")
    low, high = picture.get_clim()
    axes["patch", "output"].imshow(patch.result[0], cmap=picture.get_cmap(), vmin=low, vmax=high)
    if patch.pixels.shape[0] == 1:
        _numbers(axes["patch", "input"], patch.pixels[0])
    _numbers(axes["patch", "output"], patch.result[0])
    (down, right), (low_down, low_right) = patch.pixels_at, patch.result_at
    captions = {
        "input": f"{patch.pixels.shape[1]} x {patch.pixels.shape[2]} pixels from row {down}, column {right}",
        "output": f"their results from row {low_down}, column {low_right}",
    }
    for column, text in captions.items():
        # Below, since the lines of the enlargement cross what is above.
        axes["patch", column].set_xlabel(text, fontsize=style.NORMAL, labelpad=6)
    for column, corner, part in (("input", patch.pixels_at, patch.pixels), ("output", patch.result_at, patch.result)):
        style.bare(axes["patch", column])
        _zoom(figure, axes["whole", column], axes["patch", column], corner, part.shape[1:])


def _numbers(ax: Any, values: np.ndarray) -> None:
    """Each cell's number, where there are few."""
    if max(values.shape) > _NUMBERED:
        return
    image = ax.images[0]
    labels = [f"{value:.4g}" for value in values.flat]
    width, height = style.cell_points(ax, *values.shape)
    size = style.common_size(labels, width - _APART, height)
    if size is None:
        return
    for label, (row, column) in zip(labels, np.ndindex(values.shape), strict=True):
        ink = style.ink_on(image.cmap(image.norm(values[row, column]))[:3])
        ax.text(column, row, label, ha="center", va="center", fontsize=size, color=ink)


def _zoom(figure: Any, whole: Any, part: Any, corner: tuple[int, int], size: tuple[int, ...]) -> None:
    """A frame in the whole picture and two lines from it to the enlarged part."""
    from matplotlib.patches import ConnectionPatch, Rectangle

    top, left, bottom, right = corner[0] - 0.5, corner[1] - 0.5, corner[0] + size[0] - 0.5, corner[1] + size[1] - 0.5
    whole.add_patch(Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=_MARK, linewidth=1.4))
    part.apply_aspect()
    part.add_patch(Rectangle((-0.5, -0.5), size[1], size[0], fill=False, edgecolor=_MARK, linewidth=1.6, clip_on=False))
    for x, edge in ((left, -0.5), (right, size[1] - 0.5)):
        line = ConnectionPatch(
            (x, bottom), (edge, -0.5), coordsA=whole.transData, coordsB=part.transData, color=_MARK, linewidth=0.8
        )
        figure.add_artist(line)
