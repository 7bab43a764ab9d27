"""`convmatrix kernels`: the kernels that have names."""

from __future__ import annotations

import argparse
import shutil
import sys
from functools import partial
from typing import Any

import numpy as np

from convmatrix.analysis.facts import plain
from convmatrix.cli import text
from convmatrix.cli.output import PICTURE_SUFFIXES, Output, as_json, remark, show, target, write_all
from convmatrix.cli.parser import Command, add_output_options, unguarded
from convmatrix.errors import ConvMatrixError
from convmatrix.kernels import KernelInfo, kernel, kernel_info, kernel_names

_DESCRIPTION = """\
The kernels that can be named instead of written: all of them, or one with its entries, parameters and source.
Exact ones are integers or fractions, sampled ones are computed in float64.
"""
_EPILOG = """\
examples:
  convmatrix kernels
  convmatrix kernels sobel_x
  convmatrix kernels gaussian:size=3,sigma=1/2 --json
  convmatrix kernels mexican_hat --plot hat.png
"""
_LEAST_WIDTH = 60


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name",
        nargs="?",
        type=unguarded,
        metavar="NAME",
        help="one of them, with parameters after a colon if it takes any",
    )
    add_output_options(parser, picture="the kernel as a picture", matrix=False)


def _run(given: argparse.Namespace) -> int:
    if given.name is None:
        if given.plot is not None:
            raise ConvMatrixError(f"--plot must come with the NAME of a kernel, got {given.plot!r} alone")
        _list(given.json)
        return 0
    path = None if given.plot is None else target(given.plot, "--plot", PICTURE_SUFFIXES)
    info = kernel_info(given.name.partition(":")[0])
    array = kernel(given.name)
    if given.json:
        report = as_json("kernels", {"kernel": _record(info, array, given.name)})
    else:
        shape = f"{text.sizes(array.shape)}, sum {text.entry(_sum(array))}"
        report = "\n".join([str(info), "", f"{given.name.strip()} ({shape})", *text.kernel_lines(array)])
    if path is not None:
        from convmatrix.plots.kernel import draw_kernel
        from convmatrix.plots.saving import save

        suffix = path.suffix.lower()
        draw = partial(draw_kernel, array, title=given.name.strip())
        write_all([Output(path, given.plot, lambda file: save(draw, file, suffix))])
    show(report)
    if given.json and (sentence := text.left_out(array)):
        remark(sentence)
    if path is not None:
        remark(f"wrote {given.plot}")
    return 0


def _list(in_json: bool) -> None:
    known = [(kernel_info(name), kernel(name)) for name in kernel_names()]
    if in_json:
        records = [{**info.to_dict(), "shape": list(array.shape)} for info, array in known]
        show(as_json("kernels", {"kernels": records}))
        return
    rows = [
        (info.name, text.sizes(array.shape), "exact" if info.exact else "sampled", info.description)
        for info, array in known
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    # Lines are cut on a terminal only: a pipe gets all of them.
    wide = max(shutil.get_terminal_size().columns, _LEAST_WIDTH) if sys.stdout.isatty() else None
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row[:3], widths, strict=True)), row[3]]) for row in rows
    ]
    show("\n".join(_cut(line, wide) for line in lines))
    show("\nsizes are those without parameters; `convmatrix kernels NAME` shows one kernel")


def _cut(line: str, width: int | None) -> str:
    return line if width is None or len(line) <= width else line[: width - 3].rstrip() + "..."


def _record(info: KernelInfo, array: np.ndarray, typed: str) -> dict[str, Any]:
    return {
        **info.to_dict(),
        "text": typed,
        "shape": list(array.shape),
        "dtype": str(array.dtype),
        "sum": plain(_sum(array)),
        "entries": text.entries(array),
    }


def _sum(array: np.ndarray) -> Any:
    return sum(array.ravel().tolist())


COMMAND = Command("kernels", "the kernels that have names", _DESCRIPTION, _EPILOG, _add_options, _run)
