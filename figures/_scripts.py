"""The scripts of this folder, in the order of the article."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from . import SECTIONS

HERE = Path(__file__).parent
_PLACES = {section: place for place, section in enumerate(SECTIONS)}


@dataclass(frozen=True)
class Script:
    """One script as it describes itself."""

    name: str
    title: str
    caption: str
    section: str
    step: int
    svg: bool
    draw: Callable[[], Any]

    @property
    def order(self) -> tuple[int, int, str]:
        """Its place in the gallery."""
        return _PLACES[self.section], self.step, self.name

    def to_dict(self) -> dict[str, Any]:
        """What a list says of it, without the drawing."""
        return {
            "name": self.name,
            "section": self.section,
            "section_title": SECTIONS[self.section],
            "step": self.step,
            "title": self.title,
            "caption": self.caption,
        }


@cache
def scripts() -> dict[str, Script]:
    """Every script by name, in the order of the article.

    Raises
    ------
    ValueError
        If one lacks its title, caption, section or drawing.
    """
    names = sorted(module.name for module in pkgutil.iter_modules([str(HERE)]) if not module.ispkg)
    found = [read(name) for name in names if not name.startswith("_")]
    return {script.name: script for script in sorted(found, key=lambda script: script.order)}


def read(name: str) -> Script:
    """One script, imported and checked."""
    return described(name, import_module(f"{__package__}.{name}"))


def described(name: str, module: Any) -> Script:
    """What a module says of itself, checked."""
    title = str(module.__doc__ or "").strip().rstrip(".")
    caption, section, step = (getattr(module, key, default) for key, default in _NEEDED.items())
    rules = {
        "have a docstring of one line": bool(title) and "\n" not in title,
        "have a CAPTION": isinstance(caption, str) and bool(caption.strip()),
        f"have a SECTION out of {', '.join(SECTIONS)}": section in SECTIONS,
        "have an integer STEP": type(step) is int,
        "have a function draw": callable(getattr(module, "draw", None)),
    }
    for rule, kept in rules.items():
        if not kept:
            raise ValueError(f"figure {name} must {rule}")
    return Script(name, title, caption.strip(), section, step, bool(getattr(module, "SVG", False)), module.draw)


_NEEDED: dict[str, Any] = {"CAPTION": None, "SECTION": None, "STEP": 0}
