"""`convmatrix separability`: can a kernel, a filter or a whole layer be split into cheaper pieces?"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from convmatrix import exact
from convmatrix.analysis.facts import plain
from convmatrix.cli import text
from convmatrix.cli.layer import read_layer
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
from convmatrix.cli.parser import Command, add_geometry_options, add_kernel, add_output_options, integer, number
from convmatrix.errors import ConvMatrixError
from convmatrix.kernels import kernel

_DESCRIPTION = """\
Is it separable? A kernel of two axes is taken as a sum of columns times rows, a filter of three axes as an outer
product of three vectors, the weight of a layer (4 or 5 axes) as whichever structure of cheaper layers it has. Integers,
fractions and symbols get a proof; floats get a numerical rank at a stated tolerance.
"""
_EPILOG = """\
examples:
  convmatrix separability sobel_x
  convmatrix separability "0 1 0; 1 -4 1; 0 1 0" --rank 1
  convmatrix separability "a b; c d"
  convmatrix separability "1 2; 3 6 | 2 4; 6 12" --check
  convmatrix separability gaussian5 --latex
  convmatrix separability emboss --json --plot emboss.png

exit status: 0 done, 1 with --check: not separable (a layer: no structure that holds saves anything), 2 bad input
"""
_KINDS = {"kernel": (2, 2), "filter": (2, math.inf), "layer": (3, 5)}
"""The least and the most axes of each kind."""
_LONGEST = 12
"""Letters of an exact entry up to which it is shown as it is."""
_GEOMETRY: dict[str, Any] = {
    "input_size": None,
    "stride": 1,
    "padding": 0,
    "dilation": 1,
    "groups": 1,
    "padding_mode": "zeros",
    "transpose": False,
    "output_padding": None,
    "flip": False,
}


def _add_options(parser: argparse.ArgumentParser) -> None:
    add_kernel(parser)
    parser.add_argument(
        "--as",
        dest="kind",
        choices=tuple(_KINDS),
        help="what the array is (default: of 2 axes a kernel, of 3 a filter, of more a layer)",
    )
    parser.add_argument("--rank", type=integer, metavar="R", help="the best approximation of this rank, and its error")
    parser.add_argument(
        "--tol", type=number, metavar="T", help="relative tolerance: asks for the numerical rank of exact input too"
    )
    parser.add_argument("--check", action="store_true", help="exit 1 if it is not separable")
    add_output_options(parser, picture="the result as a picture", matrix=False)
    parser.add_argument("--latex", action="store_true", help="print LaTeX instead of text")
    add_geometry_options(parser)


@dataclass(frozen=True, eq=False)
class _Answer:
    """One kind's result: what to show of it besides the result's own text.

    `parts` are more sections of text, `details` the same for JSON.
    """

    result: Any
    is_separable: bool
    parts: tuple[str, ...]
    details: dict[str, Any]


def _run(given: argparse.Namespace) -> int:
    path = None if given.plot is None else target(given.plot, "--plot", PICTURE_SUFFIXES, (given.kernel,))
    array = exact.as_array(kernel(given.kernel))
    kind = _kind_of(array, given)
    _check_options(array, kind, given)
    with working(f"separating the {kind}"):
        answer = _ANSWERS[kind](array, given)
        # All text before anything is written, since it may be refused.
        said = _document(array, kind, answer, given) if given.json else _text(array, kind, answer, given)
    if path is not None:
        write_all([Output(path, given.plot, picture_writer(answer.result, path, given.plot))])
    show(said)
    if given.json and (sentence := text.left_out(array)):
        remark(sentence)
    if path is not None:
        remark(f"wrote {given.plot}")
    return 1 if given.check and not answer.is_separable else 0


def _kind_of(array: np.ndarray, given: argparse.Namespace) -> str:
    """What the array is: as the user says, or as its axes suggest."""
    if array.ndim < 2:
        raise ConvMatrixError(f"KERNEL must have at least 2 axes to be split, got shape {array.shape}")
    kind = given.kind or {2: "kernel", 3: "filter"}.get(array.ndim, "layer")
    least, most = _KINDS[kind]
    if not least <= array.ndim <= most:
        rule = f"{least}" if least == most else f"at least {least}" if most == math.inf else f"{least} to {int(most)}"
        raise ConvMatrixError(f"KERNEL must have {rule} axes to be taken as a {kind}, got shape {array.shape}")
    return kind


def _check_options(array: np.ndarray, kind: str, given: argparse.Namespace) -> None:
    """Refuse options that do not go together, before any work."""
    for name, default in _GEOMETRY.items() if kind != "layer" else ():
        if getattr(given, name) != default:
            value = "it" if getattr(given, name) is True else repr(getattr(given, name))
            raise ConvMatrixError(
                f"--{name.replace('_', '-')} must come with a layer (4 or 5 axes, or --as layer), "
                f"got {value} with a {kind} of shape {array.shape}"
            )
    if given.latex and given.json:
        raise ConvMatrixError("--latex must come without --json, got both")
    if given.latex and (kind == "layer" or given.rank is not None):
        other = "a layer" if kind == "layer" else f"--rank {given.rank}"
        raise ConvMatrixError(f"--latex must be for a kernel or a filter without --rank, got {other}")
    if given.rank is None:
        return
    most = min(array.shape) if kind == "kernel" else 1 if kind == "filter" else None
    if given.rank < 1 or (most is not None and given.rank > most):
        rule = "at least 1" if most is None else "1" if most == 1 else f"1 to {most}"
        raise ConvMatrixError(f"--rank must be {rule} for a {kind} of shape {array.shape}, got {given.rank}")


def _separate(array: np.ndarray, given: argparse.Namespace) -> _Answer:
    from convmatrix.analysis.separability import separate

    result: Any = separate(array, given.tol)
    parts, details = ((), {}) if given.rank is None else _approximation(result, given.rank)
    return _Answer(result, result.is_separable, parts, details)


def _approximation(result: Any, rank: int) -> tuple[tuple[str, ...], dict[str, Any]]:
    """The best approximation of a rank in the Frobenius norm: its error, its entries, its terms."""
    from convmatrix.analysis.separability import separate

    if result.conditions is not None:
        raise ConvMatrixError(f"--rank must be for a kernel of numbers, got {rank} for one with symbols")
    error, whole = result.error(rank), result.error(0)
    share = float(error / whole) if whole != 0 else 0.0
    nearest = np.asarray(result.approximate(rank))
    terms: Any = result.terms
    if rank < result.rank:
        terms = cast(Any, separate(_checked_floats(nearest, rank))).terms
    sizes = f"error {_number_text(error)} (Frobenius), {100 * share:.4g} % of the norm"
    lines = [f"best approximation of rank {rank}: {sizes}", *_entry_lines(nearest)]
    lines += [f"  {text.entry(scale)} * {_vector(column)}^T x {_vector(row)}" for scale, column, row in terms]
    details = {
        "rank": rank,
        "error": plain(error),
        "relative_error": share,
        "entries": text.entries(nearest),
        "terms": [
            {"scale": plain(scale), "column": plain(np.asarray(column)), "row": plain(np.asarray(row))}
            for scale, column, row in terms
        ],
    }
    return ("\n".join(lines),), {"approximation": details}


def _flatten(array: np.ndarray, given: argparse.Namespace) -> _Answer:
    from convmatrix.analysis.flattening import flatten

    result: Any = flatten(array, given.tol)
    if given.rank is None:
        return _Answer(result, result.is_rank_one, (), {})
    if result.conditions is not None:
        raise ConvMatrixError(f"--rank must be for a filter of numbers, got {given.rank} for one with symbols")
    nearest = np.asarray(result.approximate())
    error = f"error {_number_text(result.error)} (Frobenius), no outer product below {_number_text(result.error_bound)}"
    lines = [f"best outer product found: {error}", *_entry_lines(nearest)]
    details = {"rank": 1, "entries": text.entries(nearest)}
    return _Answer(result, result.is_rank_one, ("\n".join(lines),), {"approximation": details})


def _decompose(array: np.ndarray, given: argparse.Namespace) -> _Answer:
    from convmatrix.analysis.decomposition import decompose
    from convmatrix.analysis.decomposition.reading import roomy_size

    size = roomy_size(array.shape[2:], given.dilation, given.padding)
    # A literal of three planes, which elsewhere is a volume, may be declared the weight of a 1-D layer.
    layer = read_layer(given, size, axes=array.ndim - 2)
    result = decompose(layer.operator(), given.tol, rank=given.rank)
    counts = _counts(array, given.tol)
    saves = any(structure.holds and structure.saves for structure in result.structures)
    said = tuple(f"{separable} of {total} {name}" for name, (separable, total) in counts.items())
    details = {name: {"separable": found, "of": total} for name, (found, total) in counts.items()}
    return _Answer(result, saves, ("\n".join(said),), {"counts": details})


def _counts(weight: np.ndarray, tol: float | None) -> dict[str, tuple[int, int]]:
    """How many of a layer's kernels and filters are separable one by one."""
    from convmatrix.analysis.flattening import flatten
    from convmatrix.analysis.separability import separate

    filters: Any = flatten(weight, tol, batch_axes=1)
    kernels: Any
    counts = {}
    if weight.ndim == 4:
        kernels = separate(weight, tol, batch_axes=2)
        counts["2-D kernels are separable"] = int(np.sum(kernels.is_separable)), int(np.size(kernels.is_separable))
    elif weight.ndim == 5:
        kernels = flatten(weight, tol, batch_axes=2)
        counts["3-D kernels are outer products"] = int(np.sum(kernels.is_rank_one)), int(np.size(kernels.is_rank_one))
    counts["filters are outer products"] = int(np.sum(filters.is_rank_one)), int(np.size(filters.is_rank_one))
    return counts


_ANSWERS: dict[str, Callable[[np.ndarray, argparse.Namespace], _Answer]] = {
    "kernel": _separate,
    "filter": _flatten,
    "layer": _decompose,
}


def _text(array: np.ndarray, kind: str, answer: _Answer, given: argparse.Namespace) -> str:
    if given.latex:
        return str(answer.result.to_latex())
    name = f"{kind} {given.kernel.strip()} ({text.sizes(array.shape)}, {_numbers_of(array)})"
    return "\n\n".join([name, str(answer.result), *answer.parts])


def _document(array: np.ndarray, kind: str, answer: _Answer, given: argparse.Namespace) -> str:
    content = {
        "kernel": {
            "text": given.kernel,
            "shape": list(array.shape),
            "dtype": str(array.dtype),
            "entries": text.entries(array),
        },
        "kind": kind,
        "is_separable": answer.is_separable,
        _RESULTS[kind]: answer.result.to_dict(),
        **answer.details,
        "files": {} if given.plot is None else {"plot": given.plot},
    }
    return as_json("separability", content)


_RESULTS = {"kernel": "separability", "filter": "flattening", "layer": "decomposition"}


def _number_text(value: Any) -> str:
    """An error: exact ones with their decimals."""
    if isinstance(value, (int, float, np.floating)):
        return text.entry(value)
    decimals = f"{float(value):.6g}"
    return decimals if len(str(value)) > 60 or str(value) == decimals else f"{value} = {decimals}"


def _vector(values: Any) -> str:
    """A vector in brackets, a long one in words."""
    entries = np.asarray(values).tolist()
    if len(entries) > text.MAX_COLUMNS:
        return f"[{len(entries)} numbers]"
    return f"[{', '.join(text.entry(value) for value in entries)}]"


def _numbers_of(array: np.ndarray) -> str:
    return {"O": "exact", "i": "integers"}.get(array.dtype.kind, str(array.dtype))


def _entry_lines(array: np.ndarray) -> list[str]:
    """The entries as a table, exact ones as floats where they are too long to be read."""
    long = array.dtype == object and max(len(str(value)) for value in array.reshape(-1).tolist()) > _LONGEST
    return text.kernel_lines(_in_floats(array) if long else array)


def _checked_floats(array: np.ndarray, rank: int) -> np.ndarray:
    """The entries as floats, refused where none holds them."""
    floats = _in_floats(array)
    if not np.isfinite(floats).all():
        raise ConvMatrixError(f"--rank must be for entries that fit a float64, got {rank} for larger ones")
    return floats


def _in_floats(array: np.ndarray) -> np.ndarray:
    if array.dtype != object:
        return array
    complex_ = any(exact.is_sympy(value) and value.is_real is False for value in array.reshape(-1).tolist())
    return array.astype(complex if complex_ else float)


_SUMMARY = "whether a kernel, a filter or a layer splits into cheaper ones"
COMMAND = Command("separability", _SUMMARY, _DESCRIPTION, _EPILOG, _add_options, _run)
