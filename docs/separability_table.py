"""The table of `separability.md`: the verdict on every kernel of the catalogue. `python -m docs.separability_table`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import convmatrix as cm
from convmatrix.analysis.flattening import Flattening, flatten
from convmatrix.analysis.separability import Separability, separate
from convmatrix.kernels import kernel_info

PAGE = Path(__file__).parent / "separability.md"
BEGIN, END = "<!-- the table begins -->\n", "<!-- the table ends -->\n"
HEAD = "| Kernel | Size | Numbers | Rank | Separable | Terms, or the minor that is not 0 | Left by one term |\n"


def table() -> str:
    """The rows as `separate` and `flatten` answer now, one kernel each at its default parameters."""
    rows = (_row(name) for name in cm.kernel_names())
    return HEAD + "|---|---|---|---|---|---|---|\n" + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def shown() -> str:
    """The table as it stands in the page."""
    return PAGE.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0]


def write() -> None:
    """Put the table of now into the page."""
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    PAGE.write_text(before + BEGIN + table() + END + rest.split(END)[1], encoding="utf-8")


def _row(name: str) -> tuple[str, ...]:
    kernel = cm.kernel(name)
    about = (f"`{name}`", "x".join(map(str, kernel.shape)), "exact" if kernel_info(name).exact else "sampled")
    if kernel.ndim == 1:
        return (*about, "1" if kernel.any() else "0", "yes", "one axis only", "")
    if kernel.ndim > 2:
        return (*about, *_of_filter(flatten(kernel)))
    return (*about, *_of_kernel(separate(kernel)))


def _of_kernel(answer: Separability) -> tuple[str, ...]:
    if answer.is_separable:
        return str(answer.rank), "yes", _terms(answer), ""
    share = float(answer.error(1)) / float(answer.error(0))
    why = f"{answer.rank} terms" if answer.certificate is None else f"`{answer.certificate}`"
    return str(answer.rank), "no", why, f"{share:.1%}"


def _terms(answer: Separability) -> str:
    if answer.rank_kind != "exact":
        return "a column and a row of floats"
    return " + ".join(f"`{scale} * {_listed(column)}^T {_listed(row)}`" for scale, column, row in answer.terms)


def _of_filter(answer: Flattening) -> tuple[str, ...]:
    rank = ", ".join(map(str, answer.multilinear_rank))
    if answer.is_rank_one:
        return rank, "yes", " x ".join(f"`{_listed(factor)}`" for factor in answer.factors), ""
    return rank, "no", f"`{answer.certificate}`", ""


def _listed(vector: Iterable[object]) -> str:
    return f"[{', '.join(map(str, vector))}]"


if __name__ == "__main__":
    write()
