"""A verdict with its facts, as text and as HTML."""

from __future__ import annotations

from convmatrix.analysis.facts import as_html, as_text

FACTS = [("short", "1 < 2"), ("a longer name", "two\nlines")]


def test_values_stand_in_one_column_with_their_further_lines() -> None:
    assert as_text("yes", FACTS) == "yes\n  short          1 < 2\n  a longer name  two\n                 lines"


def test_a_verdict_may_stand_alone() -> None:
    assert as_text("yes", []) == "yes"
    assert as_html("yes", []) == "<table><caption>yes</caption></table>"


def test_html_is_escaped() -> None:
    page = as_html("a < b", FACTS[:1])
    assert page == "<table><caption>a &lt; b</caption><tr><th>short</th><td>1 &lt; 2</td></tr></table>"
