"""`convmatrix rank`: how much of its input a layer keeps apart: ranks, exact where numbers are."""

from __future__ import annotations

import argparse
import contextlib
from typing import Any

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
from convmatrix.errors import ConvMatrixError

_DESCRIPTION = """\
The ranks of a layer: of its kernels, of the unfoldings of its weight, and of its whole matrix; stable and effective
rank, energy, condition. Integers and fractions get exact ranks, each with its proof, or proved bounds; floats get
numerical ones at a stated tolerance.
"""
_EPILOG = """\
examples:
  convmatrix rank sobel_x --input-size 64x64 --padding 1 --padding-mode circular
  convmatrix rank "1 1; 1 1" --input-size 16x16 --padding 0:1x0:1 --padding-mode circular --null
  convmatrix rank gaussian5 --input-size 28x28 --padding 2 --tol 1e-6
  convmatrix rank emboss --input-size 32x32 --padding 1 --check

exit status: 0 done, 1 with --check: the rank is not full, or not known to be, 2 bad usage or bad input, or with --null:
the null space is out of reach (the ranks are printed nevertheless)
"""


def _add_options(parser: argparse.ArgumentParser) -> None:
    add_kernel(parser)
    parser.add_argument(
        "--tol", type=number, metavar="T", help="relative tolerance: numerical ranks of exact numbers too"
    )
    parser.add_argument(
        "--exact",
        action="store_true",
        help="take floats as the fractions they are, and wait for proofs however long they take",
    )
    parser.add_argument(
        "--null", action="store_true", help="the null space: its dimension, and the frequencies that are lost"
    )
    parser.add_argument(
        "--check", action="store_true", help="exit 1 if the layer's matrix is not known to have full rank"
    )
    add_output_options(parser, picture="singular values and energy, or with --null what is lost", matrix=False)
    add_geometry_options(parser)


def _run(given: argparse.Namespace) -> int:
    from convmatrix.analysis.ranks import rank_profile

    path = None if given.plot is None else target(given.plot, "--plot", PICTURE_SUFFIXES, (given.kernel,))
    if given.exact and given.tol is not None:
        raise ConvMatrixError(f"--exact must come without --tol, got both (--tol {given.tol:g})")
    layer = read_layer(given)
    op = layer.operator()
    with working("finding ranks"):
        profile = rank_profile(op, given.tol, exact=True if given.exact else None)
        nulls, refusal = _null_space(op, given) if given.null else (None, None)
    answer = nulls if given.null else profile
    content = {**layer.described(), "ranks": profile.to_dict()}
    if given.null:
        content["null_space"] = None if nulls is None else nulls.to_dict()
    assert profile.operator is not None
    is_full = profile.operator.is_full
    if given.check:
        content["check"] = {"is_full": is_full}
    path = path if answer is not None else None
    content["files"] = {} if path is None else {"plot": given.plot}
    said = as_json("rank", content) if given.json else _text(layer, profile, nulls)
    if path is not None:
        write_all([Output(path, given.plot, picture_writer(answer, path, given.plot))])
    show(said)
    if path is not None:
        remark(f"wrote {given.plot}")
    if refusal is not None:
        # The ranks are worth having without it.
        raise refusal
    return 1 if given.check and not is_full else 0


def _null_space(op: Any, given: argparse.Namespace) -> tuple[Any, ConvMatrixError | None]:
    """The null space, or why there is none."""
    from convmatrix.analysis.ranks import null_space
    from convmatrix.analysis.ranks.integers import exactly

    try:
        if not given.exact:
            return null_space(op, given.tol), None
        # By its structure it is found sooner than by its vectors.
        with contextlib.suppress(ConvMatrixError):
            nulls = null_space(exactly(op))
            if nulls.kind == "exact":
                return nulls, None
        return null_space(op, exact=True), None
    except ConvMatrixError as error:
        return None, error


def _text(layer: Layer, profile: Any, nulls: Any) -> str:
    lines = [*layer.heading(), "", str(profile)]
    if nulls is not None:
        lines += ["", str(nulls)]
    return "\n".join(lines)


COMMAND = Command("rank", "the ranks of a layer and its null space", _DESCRIPTION, _EPILOG, _add_options, _run)
