"""`convmatrix inspect`: one layer's matrix, its numbers, its picture, and what it makes of a photograph."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from convmatrix.analysis.facts import plain
from convmatrix.cli import photograph, text
from convmatrix.cli.layer import Layer, read_layer
from convmatrix.cli.output import (
    MATRIX_SUFFIXES,
    PICTURE_SUFFIXES,
    Output,
    as_json,
    becomes_float,
    check_matrix,
    remark,
    show,
    target,
    working,
    write_all,
    write_matrix,
)
from convmatrix.cli.parser import Command, add_geometry_options, add_kernel, add_output_options, unguarded
from convmatrix.operators import TensorOperator

if TYPE_CHECKING:
    from convmatrix.analysis.application import Application
    from convmatrix.analysis.inspection import Inspection

_DESCRIPTION = """\
The explicit matrix of a convolution: its size, its structure, its rank, its picture.

Without --input-size the input has max(4, extent of the kernel + stride) positions an axis, 2 for a transposed layer,
or the photograph's size. With --image the matrix is built, applied to the photograph and compared with independent
implementations: SciPy's, and PyTorch's where it is installed. A photograph is read as 8-bit gray,
(299 red + 587 green + 114 blue)/1000 rounded, or as its three colours where the kernel reads three channels.
"""
_EPILOG = """\
examples:
  convmatrix inspect "0 1 2; 2 2 0; 0 1 2" --input-size 5x5
  convmatrix inspect sobel_x --image --plot sobel.png
  convmatrix inspect "-1 0 1; -2 0 2; -1 0 1" --input-size 28x28 --stride 2 --padding 1 --json
  convmatrix inspect "a b c; d e f; g h i" --transpose -o matrix.tex
"""
_FLOATS = "fractions are written as float64; .tex keeps them exact"


def _add_options(parser: argparse.ArgumentParser) -> None:
    add_kernel(parser)
    add_geometry_options(parser)
    add_output_options(parser, picture="the matrix as a picture; with --image photograph, matrix and result")
    parser.add_argument(
        "--image",
        nargs="?",
        const="",
        type=unguarded,
        metavar="FILE",
        help="apply the matrix to this photograph, by default the sample that matplotlib brings, compare with "
        f"independent implementations, and write a picture, by default {photograph.PICTURE}",
    )


@dataclass(frozen=True, eq=False)
class _Report:
    layer: Layer
    op: TensorOperator
    inspection: Inspection
    source: str | None
    application: Application | None
    files: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        layer = self.layer
        return {
            "kernel": {
                "text": layer.text,
                "shape": list(layer.weight.shape),
                "dtype": str(layer.weight.dtype),
                "entries": text.entries(layer.weight),
            },
            "input_size": list(layer.input_size),
            "transpose": layer.transpose,
            "flip": layer.flip,
            "inspection": self.inspection.to_dict(),
            "matrix": plain(self.op.toarray()) if _is_small(self.op) else None,
            "photograph": self.source,
            "application": None if self.application is None else self.application.to_dict(),
            "files": self.files,
        }

    def __str__(self) -> str:
        layer = self.layer
        kind = {"O": "exact", "i": "integers"}.get(layer.weight.dtype.kind, str(layer.weight.dtype))
        lines = [f"kernel {layer.text.strip()} ({text.sizes(layer.weight.shape)}, {kind})"]
        lines += text.kernel_lines(layer.weight)
        lines += ["", f"operator {self.op!r}"]
        if not layer.size_given and self.application is None:
            lines.append(f"input size {text.sizes(layer.input_size)}, since --input-size was not given")
        lines += ["", str(self.inspection)]
        if _is_small(self.op):
            lines += ["", "matrix (. where nothing is stored)"]
            lines += text.matrix_lines(self.op.toarray(), layer.pattern())
        if self.application is not None:
            shape = text.sizes(self.application.picture.shape[1:])
            colours = "gray" if self.application.picture.shape[0] == 1 else "three colours"
            lines += ["", f"photograph     {self.source}, {shape}, {colours}", str(self.application)]
        return "\n".join(lines)


def _run(given: argparse.Namespace) -> int:
    from convmatrix.analysis.inspection import inspect

    inputs = (given.kernel, given.image or None)
    matrix_file = target(given.output, "-o", MATRIX_SUFFIXES, inputs) if given.output is not None else None
    plot = photograph.PICTURE if given.plot is None and given.image is not None else given.plot
    plot_file = target(plot, "--plot", PICTURE_SUFFIXES, inputs) if plot is not None else None
    picture = None if given.image is None else photograph.load(given.image)
    layer = read_layer(given) if picture is None else photograph.read_photographed_layer(given, picture)
    op = layer.operator()
    if matrix_file is not None:
        check_matrix(op, matrix_file)
    application = None if picture is None else photograph.apply(op, layer, picture)
    with working("inspecting the matrix"):
        inspection = inspect(op)
    outputs = {}
    if matrix_file is not None:
        outputs["output"] = Output(matrix_file, given.output, _matrix_writer(op, matrix_file, given.output))
    if plot_file is not None:
        outputs["plot"] = Output(plot_file, plot, _picture_writer(op, layer, application, plot_file, plot))
    files = {name: output.typed for name, output in outputs.items()}
    report = _Report(layer, op, inspection, None if picture is None else picture.source, application, files)
    # Before anything is written, since it may be refused.
    said = as_json("inspect", report.to_dict()) if given.json else str(report)
    write_all(list(outputs.values()))
    show(said)
    if given.json and (sentence := text.left_out(layer.weight)):
        remark(sentence)
    if matrix_file is not None and becomes_float(op, matrix_file):
        remark(_FLOATS)
    for file in files.values():
        remark(f"wrote {file}")
    return 0 if application is None or application.is_equal else 1


def _matrix_writer(op: TensorOperator, path: Path, typed: str) -> Callable[[IO[bytes]], None]:
    def write(file: IO[bytes]) -> None:
        with working(f"writing {typed}"):
            write_matrix(op, file, path.suffix)

    return write


def _picture_writer(
    op: TensorOperator, layer: Layer, application: Application | None, path: Path, typed: str
) -> Callable[[IO[bytes]], None]:
    def draw() -> Any:
        from convmatrix.plots import plot
        from convmatrix.plots.photograph import draw_photograph

        return plot(op) if application is None else draw_photograph(application, title=layer.text.strip()[:40])

    def write(file: IO[bytes]) -> None:
        from convmatrix.plots.saving import save

        with working(f"drawing {typed}"):
            save(draw, file, path.suffix.lower())

    return write


def _is_small(op: TensorOperator) -> bool:
    rows, columns = op.shape
    return bool(rows <= text.MAX_ROWS and columns <= text.MAX_COLUMNS)


COMMAND = Command("inspect", "the matrix of one convolution", _DESCRIPTION, _EPILOG, _add_options, _run)
