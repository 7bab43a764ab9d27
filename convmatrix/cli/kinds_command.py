"""`convmatrix kinds`: the catalogue of the kinds of convolution."""

from __future__ import annotations

import argparse
from typing import Any

from convmatrix.cli.output import PICTURE_SUFFIXES, Output, as_json, picture_writer, remark, show, target, write_all
from convmatrix.cli.parser import Command, add_output_options, unguarded
from convmatrix.kinds import KINDS, Kind

_DESCRIPTION = """\
The kinds of convolution that deep learning uses, in the order of the article this project follows: all of them with the
structure of their matrices, or one with what it does, a worked example and its source.
"""
_EPILOG = """\
examples:
  convmatrix kinds
  convmatrix kinds depthwise_separable
  convmatrix kinds --check
  convmatrix kinds transposed --plot transposed.png
  convmatrix kinds --plot kinds.png

exit status: 0 done, 1 with --check: a matrix has not the structure stated, 2 bad input
"""


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", type=unguarded, metavar="NAME", help="one of them; all by default")
    parser.add_argument(
        "--check", action="store_true", help="build the matrices and compare: exit 1 if a structure does not hold"
    )
    add_output_options(parser, picture="the example's matrix, or a sheet of all", matrix=False)


def _run(given: argparse.Namespace) -> int:
    asked: list[Kind] = list(KINDS.values()) if given.name is None else [KINDS[given.name.strip()]]
    drawn: Any = KINDS if given.name is None else asked[0]
    path = None if given.plot is None else target(given.plot, "--plot", PICTURE_SUFFIXES)
    if path is not None:
        write_all([Output(path, given.plot, picture_writer(drawn, path, given.plot))])
    failed = [kind.name for kind in asked if given.check and not kind.verify()]
    if given.json:
        files = {} if given.plot is None else {"plot": given.plot}
        show(as_json("kinds", {"kinds": [kind.to_dict() for kind in asked], "files": files}))
    elif given.name is None:
        show(f"{KINDS}\n\n{_verdict(failed, given.check)}")
    else:
        show(f"{asked[0]}\n\n{_verdict_of_one(failed)}" if given.check else str(asked[0]))
    if path is not None:
        remark(f"wrote {given.plot}")
    return 1 if failed else 0


def _verdict(failed: list[str], is_checked: bool) -> str:
    if failed:
        return f"{len(failed)} of {len(KINDS)} structures do not hold: {', '.join(failed)}"
    if is_checked:
        return f"all {len(KINDS)} structures hold, entry for entry, on the examples"
    return f"{len(KINDS)} kinds; `convmatrix kinds NAME` shows one with its example, `--check` verifies all"


def _verdict_of_one(failed: list[str]) -> str:
    return f"the structure {'does not hold' if failed else 'holds, entry for entry,'} on the example"


COMMAND = Command("kinds", "the kinds of convolution and their matrices", _DESCRIPTION, _EPILOG, _add_options, _run)
