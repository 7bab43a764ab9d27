"""`convmatrix overlap`: how often a layer writes each output, whether it draws checkerboards, and the nearest fix."""

from __future__ import annotations

import argparse
import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

import numpy as np

from convmatrix import exact
from convmatrix.analysis.facts import plain
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
from convmatrix.cli.overlap_layer import Asked, read_asked
from convmatrix.cli.parser import Command, input_size, integer, number, padding, per_axis, unguarded
from convmatrix.cli.weights import WEIGHT_SUFFIXES, becomes_floats, check_weight, write_weight
from convmatrix.errors import ConvMatrixError, MatrixTooLargeError, readable_bytes

_DESCRIPTION = """\
How often a transposed layer writes each output, and whether it draws a checkerboard. The layer is always the transposed
one, or, with --pixel-shuffle, a convolution followed by that shuffle. The gradient of a strided layer with respect to
its input is the transposed layer of the same weight, so it is the same command.

KERNEL is a size (3, or 3x4 with one number an axis), which asks about the layer whose weights are all 1, or a weight: a
bare kernel, or an array (c_in, c_out/groups, *kernel) as PyTorch keeps that of a transposed layer; with --pixel-shuffle
(c_out, c_in/groups, *kernel). A weight is answered by its gains: a constant stays a constant if and only if they are
the same in every phase.

Without --input-size each phase is there at least twice where no border reaches: ceil((extent + padding)/stride) + 1
positions an axis (a convolution: extent + stride), and 4 at the least.
"""
_EPILOG = """\
examples:
  convmatrix overlap 3 --stride 2
  convmatrix overlap 3 --stride 2 --dims 2 --remedies
  convmatrix overlap 4x4 --stride 2 --check
  convmatrix overlap "1 2 1" --stride 2 --check
  convmatrix overlap "1 3 2 1" --stride 2 --fix -o fixed.txt
  convmatrix overlap "a b c d" --stride 2
  convmatrix overlap 3 --stride 2 --dims 2 --json --plot overlap.png

exit status: 0 done, 1 with --check: a checkerboard (the gains of the phases differ; of a size, its counts), 2 bad input
"""
_FLOATS = "fractions are written as float64; .csv and .txt keep them exact"


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "kernel",
        metavar="KERNEL",
        type=unguarded,
        help="a size (3, 3x4), or a weight: a name (binomial; see `convmatrix kernels`), numbers "
        '("1 2 1", also fractions and symbols) or a file (.npy .npz .csv .txt)',
    )
    parser.add_argument("--dims", type=integer, metavar="N", help="axes of space (default: as the kernel has them)")
    parser.add_argument(
        "--pixel-shuffle", type=per_axis, metavar="R", help="a convolution, then channels moved into space, R an axis"
    )
    parser.add_argument("--tol", type=number, metavar="T", help="difference of gains that still counts as none")
    parser.add_argument("--check", action="store_true", help="exit 1 if there is a checkerboard")
    parser.add_argument("--remedies", action="store_true", help="compare the ways to be free of it")
    parser.add_argument("--fix", action="store_true", help="write the nearest weight without a checkerboard to -o FILE")
    _add_geometry(parser)
    group = parser.add_argument_group("output")
    group.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    what = "the counts of a size, or the report on a weight, as a picture"
    group.add_argument("--plot", type=unguarded, metavar="FILE", help=f"write {what} (.png .svg .pdf)")
    group.add_argument(
        "-o",
        "--output",
        type=unguarded,
        metavar="FILE",
        help="with --fix, the file: .npy and .npz keep floats of every width, .csv and .txt fractions and symbols",
    )


def _add_geometry(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("geometry", "One value for all axes, or one an axis joined by x.")
    group.add_argument("--input-size", type=input_size, metavar="8x8", help="spatial sizes of the layer's input")
    group.add_argument("--stride", type=per_axis, default=1, metavar="2", help="of the layer (default 1)")
    group.add_argument(
        "--padding",
        type=padding,
        default=0,
        metavar="1",
        help="1, 1x2, or before:after pairs as 0:1x0:1 (default 0): cropped from the output of the transposed "
        "layer, added to the input of a convolution",
    )
    group.add_argument("--dilation", type=per_axis, default=1, metavar="2", help="step between taps (default 1)")
    group.add_argument("--groups", type=integer, default=1, metavar="2", help="blocks of channels (default 1)")
    group.add_argument("--output-padding", type=per_axis, metavar="1", help="positions more at the end (default 0)")


@dataclass(frozen=True, eq=False)
class _Answer:
    """What is said of the layer; `remedies` and `fixed` where they were asked for."""

    asked: Asked
    report: Any
    remedies: Any
    fixed: _Fixed | None

    @property
    def has_checkerboard(self) -> bool:
        """What `--check` asks; with symbols whether there is one for some numbers."""
        return not self.report.is_free

    @property
    def in_short(self) -> str:
        """The answer in the fewest words, for the first line."""
        if not self.has_checkerboard:
            return "no checkerboard"
        conditions = self.report.conditions
        return "a checkerboard, unless conditions hold" if conditions and conditions != (1,) else "a checkerboard"


@dataclass(frozen=True, eq=False)
class _Fixed:
    """The nearest weight without a checkerboard, and how far: of exact weights also, of symbols only the square."""

    weight: np.ndarray
    squared: Any
    distance: float | None
    share: float | None

    def __str__(self) -> str:
        if self.distance is None:
            return f"distance {self.squared ** Fraction(1, 2)} (Frobenius)"
        if self.distance == math.inf:
            return f"distance beyond a float64 (Frobenius), {100 * (self.share or 0):.4g} % of the norm of the weight"
        of = f", {100 * self.share:.4g} % of the norm of the weight" if self.share else ""
        return f"distance {text.entry(self.distance)} (Frobenius){of}"


def _run(given: argparse.Namespace) -> int:
    plot, output = _targets(given)
    asked = read_asked(given)
    _check_options(asked, output, given)
    with working("looking at the layer"), _in_memory():
        answer = _answer(asked, given)
        # All text before anything is written, since it may be refused.
        said = _document(answer, given) if given.json else _text(answer, given)
    outputs = []
    if output is not None and answer.fixed is not None:
        outputs.append(Output(output, given.output, _weight_writer(answer.fixed.weight, output)))
    if plot is not None:
        drawn = answer.report.overlap if asked.is_size else answer.report
        outputs.append(Output(plot, given.plot, picture_writer(drawn, plot, given.plot)))
    write_all(outputs)
    show(said)
    if given.json and (sentence := text.left_out(asked.weight)):
        remark(sentence)
    if output is not None and answer.fixed is not None and becomes_floats(answer.fixed.weight, output.suffix.lower()):
        remark(_FLOATS)
    for written in outputs:
        remark(f"wrote {written.typed}")
    return 1 if given.check and answer.has_checkerboard else 0


def _targets(given: argparse.Namespace) -> tuple[Path | None, Path | None]:
    """Where the picture and the weight will be, checked before anything is read."""
    if given.fix and given.output is None:
        raise ConvMatrixError("--fix must come with -o FILE, got it alone")
    if given.output is not None and not given.fix:
        raise ConvMatrixError(f"-o must come with --fix, got {given.output!r} alone")
    archive, member, _ = given.kernel.strip().rpartition(".npz:")
    read = (f"{archive}.npz" if member else given.kernel,)
    plot = None if given.plot is None else target(given.plot, "--plot", PICTURE_SUFFIXES, read)
    output = None if given.output is None else target(given.output, "-o", WEIGHT_SUFFIXES, read)
    return plot, output


def _check_options(asked: Asked, output: Path | None, given: argparse.Namespace) -> None:
    """Refuse options that do not go together, before any work."""
    if asked.is_size and given.fix:
        raise ConvMatrixError(f"--fix must come with a weight, got the size {asked.text}")
    if asked.is_size and given.tol is not None:
        raise ConvMatrixError(f"--tol must come with a weight, got {given.tol:g} with the size {asked.text}")
    if output is not None:
        check_weight(asked.weight, output.suffix.lower())


@contextlib.contextmanager
def _in_memory() -> Iterator[None]:
    """A refusal for its size in words that name the layer: no matrix is built here."""
    try:
        yield
    except MatrixTooLargeError as error:
        needed, limit = readable_bytes(error.needed), readable_bytes(error.limit)
        raise ConvMatrixError(f"the layer must fit into memory, got {needed} where {limit} may be used") from None


def _answer(asked: Asked, given: argparse.Namespace) -> _Answer:
    from convmatrix.analysis.checkerboard import checkerboard

    report = checkerboard(asked.op, given.tol)
    compared = None
    if given.remedies:
        from convmatrix.analysis.remedies import remedies

        compared = remedies(asked.op, given.tol)
    wanted = not asked.is_size and (given.fix or not report.is_free)
    return _Answer(asked, report, compared, _fixed(asked, report) if wanted else None)


def _fixed(asked: Asked, report: Any) -> _Fixed:
    """The nearest weight, in the shape that was given."""
    op = report.nearest_free()
    layer = op if asked.factors is None else op.right
    weight, given = np.asarray(layer.weight).reshape(asked.weight.shape), asked.weight
    if given.dtype.kind not in "iO":
        return _Fixed(weight, None, *_moved(given, weight))
    squared = report.squared_distance()
    if exact.is_symbolic(weight):
        return _Fixed(weight, squared, None, None)
    whole = sum(value * value for value in given.reshape(-1).tolist())
    return _Fixed(weight, squared, report.distance(), math.sqrt(Fraction(squared) / whole) if whole else None)


def _moved(weight: np.ndarray, fixed: np.ndarray) -> tuple[float, float | None]:
    """How far floats moved, and the share of their norm; by the largest, since squares need not be floats."""
    largest = float(np.abs(weight).max())
    if not largest:
        return 0.0, None
    wide = np.complex128 if weight.dtype.kind == "c" else np.float64
    before, after = (array.astype(wide) / largest for array in (weight, fixed))
    change = float(np.linalg.norm(after - before))
    return change * largest, change / float(np.linalg.norm(before))


def _text(answer: _Answer, given: argparse.Namespace) -> str:
    asked = answer.asked
    lines = [f"{asked.title}, {asked.kind}: {answer.in_short}", f"operator {asked.op!r}"]
    if not asked.size_given:
        lines.append(f"input size {text.sizes(asked.input_size)}, since --input-size was not given")
    parts = ["\n".join(lines), str(answer.report.overlap), str(answer.report)]
    if answer.fixed is not None:
        parts.append(f"nearest weight without a checkerboard: {answer.fixed}")
    if answer.remedies is not None:
        parts.append(str(answer.remedies))
    return "\n\n".join(parts)


def _document(answer: _Answer, given: argparse.Namespace) -> str:
    fixed = answer.fixed
    files = {name: file for name, file in (("output", given.output), ("plot", given.plot)) if file is not None}
    content = {
        **answer.asked.to_dict(),
        "has_checkerboard": answer.has_checkerboard,
        "overlap": answer.report.overlap.to_dict(),
        "checkerboard": answer.report.to_dict(),
        "nearest_free": None
        if fixed is None
        else {
            "entries": text.entries(fixed.weight),
            "squared_distance": plain(fixed.squared),
            "distance": None if fixed.distance == math.inf else fixed.distance,
            "relative_distance": fixed.share,
        },
        "remedies": None if answer.remedies is None else answer.remedies.to_dict(),
        "files": files,
    }
    return as_json("overlap", content)


def _weight_writer(weight: np.ndarray, path: Path) -> Callable[[IO[bytes]], None]:
    return lambda file: write_weight(weight, file, path.suffix.lower())


_SUMMARY = "how often a transposed layer writes each output, and whether it draws checkerboards"
COMMAND = Command("overlap", _SUMMARY, _DESCRIPTION, _EPILOG, _add_options, _run)
