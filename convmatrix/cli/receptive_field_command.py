"""`convmatrix receptive-field`: which inputs an output of a stack of layers reads, and which it steps over."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator
from typing import Any

from convmatrix.cli import text
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
from convmatrix.cli.parser import Command, input_size, integer, per_axis, unguarded
from convmatrix.cli.stack import STACK_HELP, read_stack
from convmatrix.errors import ConvMatrixError, MatrixTooLargeError, readable_bytes

_DESCRIPTION = """\
Which inputs one output of a stack of layers reads: the size of its receptive field, after how many inputs the next one
begins (jump), where the first begins (start), and which inputs in between are not read at all: gaps, as stacks of
dilated layers may have.

Each LAYER is one word, in the order they are applied:

  3  3x5  3:stride=2,padding=1        a convolution by its kernel size, with its options: stride, padding, dilation,
                                      groups, channels, padding_mode
  conv_transpose:4,stride=2           a transposed one, also output_padding
  depthwise:3                         each channel by itself
  avg_pool:2  resize:3/2,mode=linear  pixel_shuffle:2  pixel_unshuffle:2  channel_shuffle:4  identity
  begin 3:padding=1 + identity end    branches side by side, added up
  3:padding=1,times=16  begin:times=4 the same layer, or block of branches, several times

A max pool reads what avg_pool reads. Without --input-size the input is one that fits every layer and is large enough
for outputs that no border reaches, as far as the layers allow it.
"""
_EPILOG = """\
examples:
  convmatrix receptive-field 3 3:dilation=2 3:dilation=4
  convmatrix receptive-field 3:dilation=1 3:dilation=2 3:dilation=5 --dims 2 --check
  convmatrix receptive-field 7:stride=2,padding=3 avg_pool:3,stride=2,padding=1 --input-size 224x224
  convmatrix receptive-field begin:times=4 3:padding=1 3:padding=1 + identity end
  convmatrix receptive-field conv_transpose:4,stride=2,padding=1 3 --position 5 --json --plot field.png

exit status: 0 done, 1 with --check: the field has gaps, 2 bad usage or bad input
"""
_MOST_ROWS = 40


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("layers", metavar="LAYER", nargs="+", type=unguarded, help=STACK_HELP)
    parser.add_argument("--dims", type=integer, metavar="N", help="axes of space (default: as sizes have them, or 1)")
    parser.add_argument("--input-size", type=input_size, metavar="64x64", help="spatial sizes of the input")
    parser.add_argument("--channels", type=integer, default=1, metavar="3", help="of the input (default 1)")
    parser.add_argument(
        "--position", type=per_axis, metavar="0x5", help="also the inputs that this output reads, borders included"
    )
    parser.add_argument("--check", action="store_true", help="exit 1 if the field has gaps")
    group = parser.add_argument_group("output")
    group.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    group.add_argument("--plot", type=unguarded, metavar="FILE", help="write the field as a picture (.png .svg .pdf)")


def _run(given: argparse.Namespace) -> int:
    from convmatrix.analysis.receptive_field import receptive_field

    plot = None if given.plot is None else target(given.plot, "--plot", PICTURE_SUFFIXES)
    ops = read_stack(given.layers, given.dims, given.input_size, given.channels)
    with working("looking at the layers"), _in_memory():
        found = receptive_field(ops)
        window = None if given.position is None else _window(found, given.position)
        # All text before anything is written, since it may be refused.
        said = _document(found, window, given) if given.json else _text(found, window, given)
        if plot is not None:
            write_all([Output(plot, given.plot, picture_writer(found, plot, given.plot))])
    show(said)
    if plot is not None:
        remark(f"wrote {given.plot}")
    return 1 if given.check and found.has_gaps else 0


@contextlib.contextmanager
def _in_memory() -> Iterator[None]:
    """A refusal for its size in words that fit: no matrix is built here."""
    try:
        yield
    except MatrixTooLargeError as error:
        needed, limit = readable_bytes(error.needed), readable_bytes(error.limit)
        raise ConvMatrixError(f"the field must fit into memory, got {needed} where {limit} may be used") from None


def _window(found: Any, position: int | tuple[int, ...]) -> tuple[slice, ...]:
    try:
        return tuple(found.window(position))
    except ConvMatrixError as error:
        raise ConvMatrixError(f"--{error}") from None


def _text(found: Any, window: tuple[slice, ...] | None, given: argparse.Namespace) -> str:
    layers = found.layers
    lines = [f"{len(layers)} layer{'s' if len(layers) > 1 else ''}, in the order they are applied"]
    lines += text.table([["layer", "output", "size", "jump", "start"], *_rows(found)])
    if given.input_size is None:
        size = text.sizes(found.in_shape[1:])
        lines.append(f"input size {size}, since --input-size was not given")
    parts = ["\n".join(lines), str(found)]
    if window is not None:
        at = text.sizes(_per_axis(given.position, len(window)))
        reads = " x ".join(f"{part.start}:{part.stop}" for part in window)
        parts.append(f"output {at} reads inputs {reads}")
    return "\n\n".join(parts)


def _rows(found: Any) -> list[list[str]]:
    """What is said of each stage; of a deep stack the first and the last."""
    from convmatrix.analysis.receptive_field.wording import by_axis

    stages = list(enumerate(found.stages, 1))
    ends = [stages] if len(stages) <= _MOST_ROWS else [stages[: _MOST_ROWS // 2], stages[-_MOST_ROWS // 2 :]]
    tables = [
        [
            [str(number), *(by_axis(part) for part in (stage.out_shape[1:], stage.size, stage.jump, stage.start))]
            for number, stage in part
        ]
        for part in ends
    ]
    return tables[0] if len(tables) == 1 else [*tables[0], ["..."] * 5, *tables[1]]


def _per_axis(position: int | tuple[int, ...], axes: int) -> tuple[int, ...]:
    return (position,) * axes if isinstance(position, int) else position


def _document(found: Any, window: tuple[slice, ...] | None, given: argparse.Namespace) -> str:
    content = {
        "layers": list(given.layers),
        "input_size": list(found.in_shape[1:]),
        "receptive_field": found.to_dict(),
        "position": None if window is None else list(_per_axis(given.position, len(window))),
        "window": None if window is None else [[part.start, part.stop] for part in window],
        "files": {} if given.plot is None else {"plot": given.plot},
    }
    return as_json("receptive-field", content)


_SUMMARY = "which inputs an output of a stack of layers reads, and which it steps over"
COMMAND = Command("receptive-field", _SUMMARY, _DESCRIPTION, _EPILOG, _add_options, _run)
