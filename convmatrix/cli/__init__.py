"""The command line. A command is one file with a `COMMAND`, and one line in `COMMANDS`."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence

from convmatrix import __version__
from convmatrix.cli import (
    cost_command,
    figures_command,
    inspect_command,
    kernels_command,
    kinds_command,
    norm_command,
    overlap_command,
    rank_command,
    receptive_field_command,
    separability_command,
)
from convmatrix.cli.output import one_line
from convmatrix.cli.parser import Command, Parser, guard, layout
from convmatrix.errors import ConvMatrixError, MatrixTooLargeError, readable_bytes

COMMANDS: tuple[Command, ...] = (
    inspect_command.COMMAND,
    separability_command.COMMAND,
    overlap_command.COMMAND,
    rank_command.COMMAND,
    norm_command.COMMAND,
    receptive_field_command.COMMAND,
    cost_command.COMMAND,
    kinds_command.COMMAND,
    kernels_command.COMMAND,
    figures_command.COMMAND,
)

_DESCRIPTION = "Every convolution as one explicit sparse matrix, and its transpose."
_EPILOG = """\
examples:
  convmatrix inspect sobel_x
  convmatrix inspect sobel_x --image --plot sobel.png
  convmatrix separability "0 1 0; 1 -4 1; 0 1 0"
  convmatrix overlap 3 --stride 2 --dims 2
  convmatrix cost 3:channels=128 --dims 2 --input-size 7x7 --channels 3
  convmatrix norm sobel_x --input-size 64x64 --padding 1
  convmatrix kinds depthwise_separable
  convmatrix kernels

exit status: 0 done, 1 a check found a difference or says no, 2 bad usage or bad input
"""
_INTERRUPTED = 130
_CLOSED = 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv : sequence of str, optional
        The words after the program's name, by default those of this process.

    Returns
    -------
    int
        0 done, 1 a check found a difference or says no, 2 bad usage or bad input (one line on stderr), 130 interrupted,
        141 when whatever reads the output has gone.

    Examples
    --------
    >>> from convmatrix.cli import main
    >>> main(["--version"])
    convmatrix 0.1.0
    0
    """
    program = "convmatrix"
    try:
        parser = _parser()
        given = parser.parse_args(guard(sys.argv[1:] if argv is None else argv))
        if given.command is None:
            parser.print_help()
            code = 0
        else:
            program = f"convmatrix {given.command}"
            code = int(given.run(given))
        sys.stdout.flush()
    except SystemExit as stop:
        return _flushed(stop.code if isinstance(stop.code, int) else 0)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        return _quiet()
    except MatrixTooLargeError as error:
        said = _too_large(error) if hasattr(given, "output") else one_line(str(error).partition("; ")[0])
        print(f"{program}: error: {said}", file=sys.stderr)
        return 2
    except (ConvMatrixError, OSError, MemoryError, OverflowError) as error:
        print(f"{program}: error: {one_line(error)}", file=sys.stderr)
        return 2
    return code


def _parser() -> Parser:
    parser = Parser(prog="convmatrix", description=_DESCRIPTION, epilog=_EPILOG, formatter_class=layout())
    parser.add_argument("--version", action="version", version=f"convmatrix {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for command in COMMANDS:
        command.add_to(commands)
    return parser


def _too_large(error: MatrixTooLargeError) -> str:
    """The refusal in the words of a command that writes matrices, which has no `max_bytes`."""
    return (
        f"the matrix must fit into memory, got {readable_bytes(error.needed)} where {readable_bytes(error.limit)} may "
        "be used: without -o and --image none is built, and in Python the operator does without its matrix, "
        "as in op(x), svds(op), lsqr(op, y)"
    )


def _flushed(code: int) -> int:
    """The exit code of help and version texts, which may meet a closed pipe as well."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return _quiet()
    return code


def _quiet() -> int:
    """Leave stdout where the interpreter's last flush cannot fail."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return _CLOSED
