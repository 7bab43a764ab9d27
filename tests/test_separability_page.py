"""`docs/separability.md`: its table is what `separate` and `flatten` say now."""

from __future__ import annotations

import re

import pytest

import convmatrix as cm
from docs import separability_table

SHOWN, NOW = separability_table.shown(), separability_table.table()


def test_every_kernel_has_its_row() -> None:
    assert re.findall(r"^\| `(\w+)` \|", SHOWN, flags=re.MULTILINE) == cm.kernel_names()


@pytest.mark.parametrize("row", NOW.splitlines(), ids=lambda row: row.split("|")[1].strip(" `"))
def test_the_row_is_what_is_answered_now(row: str) -> None:
    assert row in SHOWN.splitlines(), "python -m docs.separability_table writes the table anew"
