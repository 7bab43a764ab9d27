"""`convmatrix norm`: the largest singular value of a layer, between two numbers that are certain."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from convmatrix.cli.layer import Layer, read_layer
from convmatrix.cli.output import (
    PICTURE_SUFFIXES,
    Output,
    as_json,
    picture_writer,
    remark,
    show,
    target,
    working,
    write_all,
)
from convmatrix.cli.parser import Command, add_geometry_options, add_kernel, add_output_options, number

if TYPE_CHECKING:
    from convmatrix.analysis.norm.answer import Enclosure
    from convmatrix.operators import TensorOperator

_NARROWEST = 1e-9
"""As narrow as an enclosure is asked for to decide a check."""
_DESCRIPTION = """\
The spectral norm of a layer: its largest singular value, the Lipschitz constant of the layer. Two numbers, between
which it certainly is, rounding included: the lower one is attained, the upper one proved.
"""
_EPILOG = """\
examples:
  convmatrix norm sobel_x --input-size 64x64 --padding 1
  convmatrix norm gaussian5 --input-size 32x32 --padding 2 --padding-mode reflect --width 1e-6
  convmatrix norm "1 2; 3 4" --input-size 16x16 --bounds
  convmatrix norm gaussian5 --input-size 28x28 --padding 2 --check 1

exit status: 0 done, 1 with --check: not proved to be at most that, 2 bad usage or bad input
"""


def _add_options(parser: argparse.ArgumentParser) -> None:
    add_kernel(parser)
    parser.add_argument(
        "--width",
        type=number,
        default=0.01,
        metavar="W",
        help="how far apart the two may be, relatively (default 0.01); --check makes them as near as it takes",
    )
    parser.add_argument(
        "--bounds", action="store_true", help="every bound that is known, how tight it is, how long it takes"
    )
    parser.add_argument("--check", type=number, metavar="N", help="exit 1 if the norm is not proved to be at most N")
    add_output_options(parser, picture="the norm and its bounds", matrix=False)
    add_geometry_options(parser)


def _run(given: argparse.Namespace) -> int:
    from convmatrix.analysis.norm.answer import spectral_norm
    from convmatrix.analysis.norm.table import norm_bounds

    path = None if given.plot is None else target(given.plot, "--plot", PICTURE_SUFFIXES, (given.kernel,))
    layer = read_layer(given)
    op = layer.operator()
    with working("enclosing the norm"):
        norm = None if given.check is None else _deciding(op, given.width, given.check)
        width = given.width if norm is None else norm.asked
        table = norm_bounds(op, width=width) if given.bounds else None
        norm = table.norm if table is not None else norm or spectral_norm(op, width)
    at_most = None if given.check is None else _verdict(norm, given.check)
    answer = norm if table is None else table
    content = {**layer.described(), "norm": norm.to_dict()}
    if table is not None:
        content["bounds"] = table.to_dict()["rows"]
    if at_most is not None:
        content["check"] = {"at_most": given.check, "is_proved": at_most == "proved", "verdict": at_most}
    content["files"] = {} if path is None else {"plot": given.plot}
    said = as_json("norm", content) if given.json else _text(layer, norm, table, given.check, at_most)
    if path is not None:
        write_all([Output(path, given.plot, picture_writer(answer, path, given.plot))])
    show(said)
    if path is not None:
        remark(f"wrote {given.plot}")
    return 1 if at_most not in (None, "proved") else 0


def _deciding(op: TensorOperator, width: float, limit: float) -> Enclosure:
    """An enclosure that tells whether the norm is at most `limit`: ever narrower, as long as the limit is inside."""
    from convmatrix.analysis.norm.answer import spectral_norm

    norm = spectral_norm(op, width)
    while norm.lower <= limit < norm.upper and norm.reached and norm.asked > _NARROWEST:
        norm = spectral_norm(op, max(norm.asked / 10, _NARROWEST))
    return norm


def _verdict(norm: Enclosure, limit: float) -> str:
    return "proved" if norm.upper <= limit else "false" if norm.lower > limit else "not proved"


def _text(layer: Layer, norm: Enclosure, table: Any, check: float | None, at_most: str | None) -> str:
    lines = [*layer.heading(), "", str(norm)]
    if table is not None:
        lines += ["", str(table)]
    if at_most is not None:
        lines += ["", f"at most {check:.12g}: {at_most}"]
    return "\n".join(lines)


COMMAND = Command("norm", "the spectral norm of a layer, for certain", _DESCRIPTION, _EPILOG, _add_options, _run)
