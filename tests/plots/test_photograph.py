"""The picture of a photograph, its matrix and the result; kernels as pictures; files."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import Image

import convmatrix as cm
from convmatrix.analysis.application import apply_to_picture
from convmatrix.analysis.reference import LayerArguments
from convmatrix.plots.kernel import draw_kernel
from convmatrix.plots.photograph import draw_photograph, read_photograph
from convmatrix.plots.saving import save


@pytest.fixture(autouse=True)
def agg():
    matplotlib.use("agg")
    from matplotlib import pyplot

    before = dict(matplotlib.rcParams)
    yield
    pyplot.close("all")
    assert dict(matplotlib.rcParams) == before


def applied(weight, picture, transpose=False, **options):
    build = cm.conv_transpose if transpose else cm.conv
    op = build(weight, picture.shape[1:], **options)
    return apply_to_picture(op, picture, weight, LayerArguments(transpose=transpose, **options))


def panel(figure, label):
    return next(ax for ax in figure.axes if ax.get_label() == label)


def test_six_panels_show_the_whole_and_a_patch(rng):
    application = applied(cm.kernel("sobel_x"), rng.integers(0, 256, size=(1, 40, 50), dtype=np.uint8))
    figure = draw_photograph(application, title="sobel_x")
    np.testing.assert_array_equal(panel(figure, "whole input").images[0].get_array(), application.picture[0])
    np.testing.assert_array_equal(panel(figure, "whole output").images[0].get_array(), application.result[0])
    np.testing.assert_array_equal(panel(figure, "patch output").images[0].get_array(), application.patch.result[0])
    numbers = [text.get_text() for text in panel(figure, "patch input").texts]
    assert numbers == [str(value) for value in application.patch.pixels.ravel()]
    assert "1,824 x 2,000 matrix" in figure.get_suptitle()
    assert any("equal, to the last bit" in text.get_text() for text in figure.texts)


def test_signed_results_have_white_at_zero(rng):
    figure = draw_photograph(applied(cm.kernel("sobel_x"), rng.integers(0, 256, size=(1, 30, 30), dtype=np.uint8)))
    low, high = panel(figure, "whole output").images[0].get_clim()
    assert low == -high


def test_results_without_sign_are_gray(rng):
    figure = draw_photograph(applied(cm.kernel("box"), rng.integers(0, 256, size=(1, 30, 30), dtype=np.uint8)))
    image = panel(figure, "whole output").images[0]
    assert image.get_cmap().name == "gray"
    assert image.get_clim()[0] == 0


def test_a_black_photograph_is_drawn():
    figure = draw_photograph(applied(cm.kernel("box"), np.zeros((1, 30, 30), dtype=np.uint8)))
    figure.canvas.draw()


@pytest.mark.parametrize("outputs", [1, 2, 5])
def test_colours_and_channels(rng, outputs):
    weight = rng.normal(size=(outputs, 3, 3, 3))
    figure = draw_photograph(applied(weight, rng.integers(0, 256, size=(3, 30, 36), dtype=np.uint8)))
    assert panel(figure, "whole input").images[0].get_array().shape == (30, 36, 3)
    title = panel(figure, "whole output").get_title()
    shown = min(outputs, 4) - 1
    assert title == ("result, 28 x 34" if outputs == 1 else f"result, 28 x 34, channels 0 to {shown} of {outputs}")
    figure.canvas.draw()


def test_without_a_patch_the_upper_row_remains(rng):
    application = applied(
        np.ones((11, 11), dtype=int), rng.integers(0, 256, size=(1, 10, 10), dtype=np.uint8), padding=5
    )
    assert application.patch is None
    figure = draw_photograph(application)
    assert not any(ax.get_label().startswith("patch") for ax in figure.axes)
    figure.canvas.draw()


def test_transposed(rng):
    picture = rng.integers(0, 256, size=(1, 30, 30), dtype=np.uint8)
    application = applied(np.ones((3, 3), dtype=int), picture, transpose=True, stride=2)
    figure = draw_photograph(application)
    assert panel(figure, "patch matrix").get_title().endswith("25 x 16")


MODES = [
    ("RGB", (10, 20, 30)),
    ("L", 77),
    ("P", 3),
    ("1", 1),
    ("RGBA", (10, 20, 30, 255)),
    ("LA", (7, 255)),
    ("CMYK", (0, 0, 0, 0)),
]


@pytest.mark.parametrize(("mode", "colour"), MODES, ids=[mode for mode, _ in MODES])
def test_modes_of_pictures(tmp_path, mode, colour):
    suffix = "tif" if mode in ("CMYK", "LA") else "png"
    path = tmp_path / f"p.{suffix}"
    Image.new(mode, (5, 4), colour).save(path)
    pixels = read_photograph(path)
    assert (pixels.shape, pixels.dtype) == ((4, 5, 3), np.uint8)
    if mode in ("RGB", "RGBA"):
        assert pixels[0, 0].tolist() == [10, 20, 30]


def test_transparency_is_white(tmp_path):
    Image.new("RGBA", (2, 2), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    assert (read_photograph(tmp_path / "clear.png") == 255).all()


def test_a_turned_camera(tmp_path):
    picture = Image.new("RGB", (4, 2))
    exif = picture.getexif()
    exif[0x0112] = 6
    picture.save(tmp_path / "turned.jpg", exif=exif)
    assert read_photograph(tmp_path / "turned.jpg").shape == (4, 2, 3)


def test_too_many_pixels(tmp_path, monkeypatch):
    Image.new("L", (20, 20)).save(tmp_path / "large.png")
    monkeypatch.setattr("convmatrix.plots.photograph._MOST_PIXELS", 399)
    with pytest.raises(cm.ConvMatrixError, match="photograph must have at most 399 pixels, got 20 x 20"):
        read_photograph(tmp_path / "large.png")


def test_pillow_s_own_limit(tmp_path, monkeypatch):
    Image.new("L", (20, 20)).save(tmp_path / "large.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(cm.ConvMatrixError, match="photograph must have at most 100000000 pixels, got more"):
        read_photograph(tmp_path / "large.png")


def test_an_installation_without_the_sample(monkeypatch, tmp_path):
    from convmatrix.plots import photograph

    monkeypatch.setattr(matplotlib, "get_data_path", lambda: str(tmp_path))
    with pytest.raises(cm.ConvMatrixError, match="photograph must be given: this matplotlib came without its sample"):
        photograph.sample_photograph()


@pytest.mark.parametrize(
    ("kernel", "texts"),
    [
        ("1 2 1", ["1", "2", "1"]),
        ("gaussian3", ["1/16", "1/8", "1/16", "1/8", "1/4", "1/8", "1/16", "1/8", "1/16"]),
        ("0 1; 2 3 | 4 5; 6 7", list("01234567")),
    ],
)
def test_kernels_show_their_numbers(kernel, texts):
    ax = draw_kernel(cm.kernel(kernel), title=kernel)
    assert [text.get_text() for text in ax.texts] == texts
    assert ax.get_title() == kernel


def test_kernel_in_given_axes_takes_arguments():
    from matplotlib import pyplot

    ax = pyplot.figure().add_subplot()
    assert draw_kernel([[1, 2]], ax=ax, cmap="viridis") is ax
    assert ax.images[0].get_cmap().name == "viridis"


@pytest.mark.parametrize(
    ("kernel", "message"),
    [(np.ones((1, 1, 2, 2)), "kernel must have at most 3 axes to be drawn"), ("a b", "kernel must be numeric")],
    ids=["axes", "symbols"],
)
def test_kernels_that_are_not_drawn(kernel, message):
    with pytest.raises(cm.ConvMatrixError, match=message):
        draw_kernel(cm.kernel(kernel) if isinstance(kernel, str) else kernel)


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_the_same_figure_is_the_same_file(suffix):
    files = []
    for _ in range(2):
        file = io.BytesIO()
        save(lambda: draw_kernel([[1, 2]]), file, suffix)
        files.append(file.getvalue())
    if suffix != ".svg":
        # Identifiers inside an SVG are drawn at random unless a global setting says otherwise.
        assert files[0] == files[1]
    assert b"convmatrix" not in files[0]


def test_reading_names_the_missing_file():
    with pytest.raises(cm.ConvMatrixError, match=r"photograph must be a file that exists, got 'nowhere\.png'"):
        read_photograph(Path("nowhere.png"))


def deep_png(colour_type, channels):
    """A PNG with 16 bits a channel, which Pillow opens as 8-bit colours."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 2, 1, 16, colour_type, 0, 0, 0)
    pixels = zlib.compress(b"\0" + bytes(range(4 * channels)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("colour_type", "channels"), [(2, 3), (4, 2), (6, 4)], ids=["RGB", "LA", "RGBA"])
def test_deep_colours_are_refused(tmp_path, colour_type, channels):
    (tmp_path / "deep.png").write_bytes(deep_png(colour_type, channels))
    with pytest.raises(cm.ConvMatrixError, match=r"photograph must have 8 bits a channel, got 16 in .*deep\.png"):
        read_photograph(tmp_path / "deep.png")
