"""A verdict with the facts below it, as text and as HTML: how most results are shown."""

from __future__ import annotations

import html
from collections.abc import Sequence

Facts = Sequence[tuple[str, str]]


def as_text(verdict: str, facts: Facts) -> str:
    r"""The verdict, and a line a fact below it, names and values in columns; further lines of a value stay in theirs.

    Examples
    --------
    >>> print(as_text("even, 4 everywhere", [("output", "(1, 8, 8)"), ("by phase", "4 4\n4 4")]))
    even, 4 everywhere
      output    (1, 8, 8)
      by phase  4 4
                4 4
    """
    width = max((len(name) for name, _ in facts), default=0)
    below = "\n" + " " * (width + 4)
    lines = [f"  {name:<{width}}  " + value.replace("\n", below) for name, value in facts]
    return "\n".join([verdict, *lines])


def as_html(verdict: str, facts: Facts) -> str:
    """The same as a table."""
    cells = [f"<tr><th>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>" for name, value in facts]
    return f"<table><caption>{html.escape(verdict)}</caption>{''.join(cells)}</table>"
