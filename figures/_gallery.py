"""The page of all pictures, section by section."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from . import SECTIONS
from ._scripts import Script


def page(scripts: Iterable[Script], pictures: Mapping[str, list[str]], links: bool) -> str:
    """Headings, pictures, captions; `pictures` are each script's files, `links` whether scripts lie beside them."""
    lines = ["# Figures", "", "In the order of the article, each drawn by the script of its name from the public API."]
    if links:
        lines += ["`python -m figures NAME` draws one again, `convmatrix figures -o DIR` draws all elsewhere."]
    heading = None
    for script in scripts:
        if script.section != heading:
            heading = script.section
            lines += ["", f"## {heading}. {SECTIONS[heading]}"]
        shown, *others = pictures[script.name]
        also = [f"[{script.name}.py]({script.name}.py)"] if links else []
        also += [f"[{other}]({other})" for other in others]
        lines += ["", f"### {script.title}", "", f"![{script.title}]({shown})", "", script.caption]
        lines += ["", " · ".join(also)] if also else []
    return "\n".join(lines) + "\n"
