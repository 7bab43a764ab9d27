"""HTML displays read as a browser would: every tag closed in its turn, and what the cells say."""

from __future__ import annotations

from html.parser import HTMLParser


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.cells: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.cells.append(data)


def cells_of(page: str) -> list[str]:
    """The text of a page that is well formed."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert not reader.open
    return reader.cells
