"""`convmatrix cost`: what a layer or a stack of layers costs, beside others, and the formulas of kinds."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from convmatrix.cli import text
from convmatrix.cli.layer import read_layer
from convmatrix.cli.output import PICTURE_SUFFIXES, Output, as_json, picture_writer, remark, show, target, write_all
from convmatrix.cli.parser import Command, add_geometry_options, add_output_options, integer, unguarded
from convmatrix.cli.stack import STACK_HELP, read_stack
from convmatrix.cli.stack_layers import KINDS
from convmatrix.errors import ConvMatrixError

_DESCRIPTION = """\
What layers cost: multiplications by the usual convention (every output position meets every weight) and true ones (what
meets a zero of the padding left out), additions, weights, and the bytes of what lies between layers.

LAYER is a size with options, 3:stride=2,channels=64,groups=4, or NAME:VALUE with options, avg_pool:2; several are a
stack, in the order they are applied. Without channels= a layer writes as many as it reads. Sizes of one number are for
all axes: as many as --input-size or another size has, or --dims, otherwise 1. Or LAYER is one kernel: a name, numbers,
or a file; `identity` is the layer, identity:size=3 the kernel. The geometry options below are for one layer or kernel
alone.

--against compares with another stack, and may be given several times. --kind prints the formula of a kind of
convolution, its share of the dense one, and the limits of that; only --at, --json and --plot go with it.
"""
_EPILOG = """\
examples:
  convmatrix cost 3:channels=128 --input-size 7x7 --channels 3
  convmatrix cost 3:channels=128 --input-size 7x7 --channels 3 --against "3:groups=3 1:channels=128"
  convmatrix cost 3 --input-size 224x224 --padding 1 --stride 2
  convmatrix cost sobel_x --input-size 512x512
  convmatrix cost --kind depthwise_separable
  convmatrix cost --kind spatially_separable --at m=3 --json --plot ratio.png
"""
_SIZE = re.compile(r"[+-]?[0-9]+(?:[xX][+-]?[0-9]+)*")
_SIZE_REMARK = "input size {}, since --input-size was not given\n"
_USUAL = {"channels": 1, "dtype": "float32"}
_GEOMETRY = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "padding_mode": "zeros", "output_padding": None,
             "transpose": False}  # fmt: skip


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("layers", metavar="LAYER", nargs="*", type=unguarded, help=f"{STACK_HELP}; or one kernel")
    parser.add_argument("--channels", type=integer, metavar="C", help="channels of the input (default 1)")
    parser.add_argument("--dims", type=integer, metavar="N", help="axes of space, where the sizes do not tell")
    parser.add_argument(
        "--against", action="append", default=[], metavar='"LAYER ..."', help="another stack on the same input"
    )
    parser.add_argument("--dtype", metavar="TYPE", help="of the activations (default float32)")
    parser.add_argument("--kind", metavar="NAME", help="the formula of a kind of convolution")
    parser.add_argument("--at", metavar="N=5,m=3", help="with --kind, numbers for its letters")
    add_geometry_options(parser)
    # None tells what was typed from what is usual.
    parser.set_defaults(**dict.fromkeys([*_USUAL, *_GEOMETRY]))
    add_output_options(parser, picture="the layers, the comparison or the formula's ratio as a picture", matrix=False)


def _run(given: argparse.Namespace) -> int:
    plot = None if given.plot is None else target(given.plot, "--plot", PICTURE_SUFFIXES, tuple(given.layers))
    heading, result, content = _formula(given) if given.kind is not None else _counted(given)
    files = {} if given.plot is None else {"plot": given.plot}
    said = as_json("cost", {**content, "files": files}) if given.json else f"{heading}{result}"
    _write(result, plot, given)
    show(said)
    if plot is not None:
        remark(f"wrote {given.plot}")
    return 0


def _write(result: Any, plot: Path | None, given: argparse.Namespace) -> None:
    if plot is not None:
        write_all([Output(plot, given.plot, picture_writer(result, plot, given.plot))])


def _formula(given: argparse.Namespace) -> tuple[str, Any, dict[str, Any]]:
    from convmatrix.analysis.cost import cost_formula

    if given.layers or given.against:
        raise ConvMatrixError(f"--kind must come without layers, got {' '.join([*given.layers, *given.against])!r}")
    typed = _typed(given, (*_USUAL, *_GEOMETRY, "dims", "input_size", "flip"))
    if typed:
        raise ConvMatrixError(f"--kind must come without options of layers, got {_option(typed[0])}")
    result = cost_formula(given.kind)
    if given.at is not None:
        result = result.at(**_letters(given.at))
    return "", result, {"formula": result.to_dict()}


def _letters(typed: str) -> dict[str, int]:
    """`N=5,m=3` as numbers by letter."""
    values: dict[str, int] = {}
    for part in typed.split(","):
        name, equals, value = part.strip().partition("=")
        if name in values:
            raise ConvMatrixError(f"--at must give {name} once, got it twice in {typed!r}")
        try:
            values[name] = integer(value)
        except argparse.ArgumentTypeError:
            equals = ""
        if not equals or not name:
            raise ConvMatrixError(f"--at must be letters with integers, as in N=5,m=3, got {typed!r}")
    return values


def _counted(given: argparse.Namespace) -> tuple[str, Any, dict[str, Any]]:
    from convmatrix.analysis.cost import compare_costs, cost

    if given.at is not None:
        raise ConvMatrixError(f"--at must come with --kind, got {given.at!r} alone")
    if not given.layers:
        raise ConvMatrixError("LAYER must be a size with options or a kernel, or --kind be given, got neither")
    others = [_split(typed) for typed in given.against]
    geometry = {name: getattr(given, name) for name in _typed(given, _GEOMETRY)}
    for name, usual in {**_USUAL, **_GEOMETRY}.items():
        setattr(given, name, usual if getattr(given, name) is None else getattr(given, name))
    first = _kernel(given) if _is_kernel(given.layers) else _stack(given, geometry)
    in_shape = first[0].in_shape
    heading = "" if given.input_size is not None else _SIZE_REMARK.format(text.sizes(in_shape[1:]))
    content: dict[str, Any] = {"layers": given.layers, "in_shape": list(in_shape)}
    if not given.against:
        result = cost(first, dtype=given.dtype)
        return heading, result, {**content, "cost": result.to_dict()}
    rows = {" ".join(given.layers): first}
    for words in others:
        name = " ".join(words)
        if name in rows:
            raise ConvMatrixError(f"--against must be another stack each time, got {name!r} twice")
        rows[name] = read_stack(words, None, in_shape[1:], in_shape[0])
    compared = compare_costs(rows, dtype=given.dtype)
    return heading, compared, {**content, "comparison": compared.to_dict()}


def _split(typed: str) -> list[str]:
    try:
        words = shlex.split(typed)
    except ValueError:
        words = []
    if not words:
        raise ConvMatrixError(f"--against must be one or more layers in quotes, got {typed!r}")
    return words


def _is_kernel(words: list[str]) -> bool:
    """Whether the only word is a kernel: no size and no layer's name stands before its colon."""
    head, _, rest = words[0].strip().partition(":")
    if head == "identity":
        # The kernel of that name has a size, and the layer none.
        return len(words) == 1 and rest.startswith("size")
    return len(words) == 1 and not _SIZE.fullmatch(head) and head not in KINDS


def _kernel(given: argparse.Namespace) -> list[Any]:
    """A kernel's own layer, with the geometry options."""
    if given.channels != 1:
        raise ConvMatrixError(f"--channels must come with sizes, got {given.channels} with a kernel, which has its own")
    given.kernel = given.layers[0]
    layer = read_layer(given, axes=given.dims)
    if given.dims not in (None, len(layer.input_size)):
        axes = len(layer.input_size)
        raise ConvMatrixError(f"--dims must be {axes}, the axes of {given.kernel!r}, got {given.dims}")
    return [layer.operator()]


def _stack(given: argparse.Namespace, geometry: dict[str, Any]) -> list[Any]:
    """The layers that were typed; the geometry options go to the only one."""
    if given.flip:
        raise ConvMatrixError("--flip must come with a kernel, got it with a size")
    if geometry and len(given.layers) > 1:
        said = f"got {len(given.layers)}: write it as in 3:stride=2"
        raise ConvMatrixError(f"{_option(next(iter(geometry)))} must come with one layer, {said}")
    return read_stack(given.layers, given.dims, given.input_size, given.channels, geometry=geometry)


def _typed(given: argparse.Namespace, names: Iterable[str]) -> list[str]:
    """Those of the options that were typed, whatever their values."""
    return [name for name in names if getattr(given, name) is not None and getattr(given, name) is not False]


def _option(name: str) -> str:
    """As it is typed."""
    return f"--{name.replace('_', '-')}"


COMMAND = Command(
    "cost",
    "multiplications, additions, weights and bytes of layers, and the formulas of kinds",
    _DESCRIPTION,
    _EPILOG,
    _add_options,
    _run,
)
