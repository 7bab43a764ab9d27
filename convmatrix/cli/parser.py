"""Reading the command line: geometry as it is typed, kernels that begin with a minus sign, errors in one line."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NoReturn

from convmatrix.cli.output import MATRIX_SUFFIXES, one_line
from convmatrix.geometry import PADDING_MODES
from convmatrix.geometry.arguments import PADDING_NAMES

# A number, a bracket, or a symbol with a separator behind it: what no option of this program looks like.
_MINUS = re.compile(r"-(?:[\d.(\[]|[^\W\d]\w*[\s,;|*+])")
_SYMBOL = re.compile(r"-(?!h|o)[^\W\d]\w*")
_INTEGER = r"[+-]?[0-9]{1,18}"
_PER_AXIS = re.compile(rf"{_INTEGER}(?:[xX]{_INTEGER})*")
_LONG = re.compile(r"[+-]?[0-9]+(?:[xX][+-]?[0-9]+)*")
_PADDING = re.compile(rf"{_INTEGER}(?::{_INTEGER})?(?:[xX]{_INTEGER}(?::{_INTEGER})?)*")


class Parser(argparse.ArgumentParser):
    """Argparse that says what is wrong in one line and takes no abbreviated options."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{**options, "allow_abbrev": False})
        self._words: list[str] = []

    def parse_known_args(self, args: Any = None, namespace: Any = None, **more: Any) -> Any:
        """Remember the words, for a hint in `error`."""
        self._words = list(args or ())
        return super().parse_known_args(args, namespace, **more)

    def error(self, message: str) -> NoReturn:
        """Exit 2 with one line on stderr."""
        if "required: KERNEL" in message and "--image" in self._words:
            message += " (KERNEL comes first: --image takes the word after it as its file)"
        lone = next((word for word in self._words if _SYMBOL.fullmatch(word)), None)
        if "required: KERNEL" in message and lone is not None:
            message += f" (a kernel that is one symbol with a minus sign comes last, after two dashes: -- {lone})"
        self.exit(2, f"{self.prog}: error: {one_line(message)}\n")


def layout() -> Callable[..., argparse.HelpFormatter]:
    """Keep the line breaks of examples in help texts."""
    return argparse.RawDescriptionHelpFormatter


@dataclass(frozen=True)
class Command:
    """One subcommand.

    Attributes
    ----------
    name, summary, description, epilog : str
        What the help texts show; the epilog holds examples that work as they stand.
    add_options : callable
        Enters the command's own arguments into its parser.
    run : callable
        From the parsed arguments to the exit code.
    """

    name: str
    summary: str
    description: str
    epilog: str
    add_options: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]

    def add_to(self, commands: Any) -> None:
        """Enter the command into the main parser."""
        parser = commands.add_parser(
            self.name,
            help=self.summary,
            description=self.description,
            epilog=self.epilog,
            formatter_class=layout(),
        )
        self.add_options(parser)
        parser.set_defaults(run=self.run)


def guard(words: Iterable[str]) -> list[str]:
    """The words with a blank before each that begins with a minus sign and is no option; `unguarded` takes it away.

    >>> guard(["-1 0 1; -2 0 2", "-a b; c d", "-o", "a b.npz", "--json"])
    [' -1 0 1; -2 0 2', ' -a b; c d', '-o', 'a b.npz', '--json']
    """
    guarded, plain = [], False
    for word in words:
        plain = plain or word == "--"
        attached_file = word.startswith("-o") and word.lower().endswith(MATRIX_SUFFIXES)
        guarded.append(f" {word}" if _MINUS.match(word) and not plain and not attached_file else word)
    return guarded


def unguarded(text: str) -> str:
    """A word as it was typed, before `guard`."""
    return text[1:] if text.startswith(" -") else text


def per_axis(text: str) -> int | tuple[int, ...]:
    """`2` or `2x1`: one integer for all axes or one an axis.

    >>> per_axis("2"), per_axis("28x28")
    (2, (28, 28))
    """
    numbers = _numbers(text, "must be an integer, or one an axis as in 2x1")
    return numbers[0] if len(numbers) == 1 else numbers


def input_size(text: str) -> tuple[int, ...]:
    """`28x28`: the spatial sizes, one an axis.

    >>> input_size("28x28"), input_size("100")
    ((28, 28), (100,))
    """
    return _numbers(text, "must be integers joined by x, as in 28x28")


def _numbers(text: str, rule: str) -> tuple[int, ...]:
    """Integers joined by x."""
    text = text.strip()
    if not _PER_AXIS.fullmatch(text):
        rule = "must have at most 18 digits" if _LONG.fullmatch(text) else rule
        raise argparse.ArgumentTypeError(f"{rule}, got {text!r}")
    return tuple(int(part) for part in text.lower().split("x"))


def padding(text: str) -> Any:
    """`1`, `1x2`, pairs as `0:1x0:1`, or a name.

    >>> padding("1"), padding("0:1x2"), padding("same")
    (1, ((0, 1), 2), 'same')
    """
    text = text.strip()
    if text in PADDING_NAMES:
        return text
    if not _PADDING.fullmatch(text):
        names = ", ".join(PADDING_NAMES)
        raise argparse.ArgumentTypeError(f"must be as in 1, 1x2, 0:1x0:1, or one of {names}, got {text!r}")
    sides = [tuple(int(side) for side in part.split(":")) for part in text.lower().split("x")]
    if len(sides) == 1 and len(sides[0]) == 1:
        return sides[0][0]
    return tuple(pair if len(pair) == 2 else pair[0] for pair in sides)


def integer(text: str) -> int:
    """One integer.

    >>> integer("3")
    3
    """
    if not re.fullmatch(_INTEGER, text.strip()):
        raise argparse.ArgumentTypeError(f"must be an integer, got {text.strip()!r}")
    return int(text)


def number(text: str) -> float:
    """A tolerance as typed.

    >>> number("1e-6")
    1e-06
    """
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a number, got {text.strip()!r}") from None
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"must be a finite number of at least 0, got {text.strip()}")
    return value


def add_geometry_options(parser: argparse.ArgumentParser) -> None:
    """The options that fix a layer's geometry, the same in every command."""
    group = parser.add_argument_group("geometry", "One value for all axes, or one an axis joined by x.")
    group.add_argument("--input-size", type=input_size, metavar="28x28", help="spatial sizes of the input")
    group.add_argument("--stride", type=per_axis, default=1, metavar="2", help="step between outputs (default 1)")
    group.add_argument(
        "--padding",
        type=padding,
        default=0,
        metavar="1",
        help="1, 1x2, before:after pairs as 0:1x0:1, or valid, full, same, same_lower (default 0)",
    )
    group.add_argument("--dilation", type=per_axis, default=1, metavar="2", help="step between taps (default 1)")
    group.add_argument("--groups", type=integer, default=1, metavar="2", help="blocks of channels (default 1)")
    group.add_argument(
        "--padding-mode",
        type=str,
        choices=PADDING_MODES,
        default="zeros",
        metavar="MODE",
        help=f"{', '.join(PADDING_MODES)} (default zeros)",
    )
    group.add_argument("--transpose", action="store_true", help="the transposed convolution")
    group.add_argument(
        "--output-padding", type=per_axis, metavar="1", help="positions more at the end, with --transpose (default 0)"
    )
    group.add_argument("--flip", action="store_true", help="turn the taps round: signal processing's convolution")


def add_kernel(parser: argparse.ArgumentParser) -> None:
    """The kernel, which may begin with a minus sign."""
    parser.add_argument(
        "kernel",
        metavar="KERNEL",
        type=unguarded,
        help='a name (sobel_x, gaussian:size=5,sigma=1; see `convmatrix kernels`), numbers ("-1 0 1; -2 0 2; '
        '-1 0 1", also fractions and symbols) or a file (.npy .npz .csv .txt)',
    )


def add_output_options(parser: argparse.ArgumentParser, *, picture: str, matrix: bool = True) -> None:
    """What is written besides the text."""
    group = parser.add_argument_group("output")
    group.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    group.add_argument("--plot", type=unguarded, metavar="FILE", help=f"write {picture} (.png .svg .pdf)")
    if matrix:
        group.add_argument(
            "-o",
            "--output",
            type=unguarded,
            metavar="FILE",
            help="write the matrix: sparse .npz .mtx, dense .npy .csv, LaTeX .tex",
        )
