"""Draw the figures: `python -m figures [NAME ...]` writes each beside its script, `--check` draws without writing."""

from __future__ import annotations

import argparse
import pkgutil
import sys
from importlib import import_module
from io import BytesIO
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt

HERE = Path(__file__).parent
NAMES = sorted(module.name for module in pkgutil.iter_modules([str(HERE)]) if not module.name.startswith("_"))
DPI = 100


def picture(name: str) -> bytes:
    """The PNG that one script draws."""
    drawn = import_module(f"figures.{name}").draw()
    if isinstance(drawn, bytes):
        return drawn
    buffer = BytesIO()
    drawn.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    plt.close(drawn)
    return buffer.getvalue()


def size(png: bytes) -> tuple[int, ...]:
    """Width and height in pixels, as the PNG header says them."""
    return tuple(int.from_bytes(png[start : start + 4], "big") for start in (16, 20))


def gallery() -> str:
    """A page of all pictures with their captions."""
    lines = ["# Figures", "", "Each is drawn by the script of its name: `python -m figures NAME`."]
    for name in NAMES:
        module = import_module(f"figures.{name}")
        title = str(module.__doc__).strip().rstrip(".")
        lines += ["", f"## {title}", "", f"![{title}]({name}.png)", "", module.CAPTION, "", f"[{name}.py]({name}.py)"]
    return "\n".join(lines) + "\n"


def check(name: str) -> bool:
    """Whether the script draws, and the picture kept has the size of what it draws."""
    path = HERE / f"{name}.png"
    drawn = picture(name)
    same = path.exists() and size(path.read_bytes()) == size(drawn)
    print(f"{name}: {'drawn, of the size kept' if same else 'the picture kept is missing or of another size'}")
    return same


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m figures", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(NAMES)}; all by default")
    parser.add_argument("--check", action="store_true", help="compare with the pictures kept, write nothing")
    options = parser.parse_args()
    unknown = sorted(set(options.names) - set(NAMES))
    if unknown:
        parser.error(f"NAME must be one of {', '.join(NAMES)}, got {', '.join(unknown)}")
    names = options.names or NAMES
    page = HERE / "README.md"
    if options.check:
        results = [check(name) for name in names]
        current = page.exists() and page.read_text(encoding="utf-8") == gallery()
        if not current:
            print("README.md: not what the scripts say")
        return 0 if all(results) and current else 1
    for name in names:
        (HERE / f"{name}.png").write_bytes(picture(name))
        print(f"{name}: {size((HERE / f'{name}.png').read_bytes())}")
    page.write_text(gallery(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
