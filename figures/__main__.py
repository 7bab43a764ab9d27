"""Draw the figures: `python -m figures [NAME ...]` writes each beside its script, `--check` draws without writing."""

from __future__ import annotations

import argparse
import pkgutil
import sys
from importlib import import_module
from io import BytesIO
from pathlib import Path

import matplotlib as mpl

mpl.use("agg")

import matplotlib.pyplot as plt
import numpy as np

HERE = Path(__file__).parent
NAMES = sorted(module.name for module in pkgutil.iter_modules([str(HERE)]) if not module.name.startswith("_"))
DPI = 100
TOLERANCE = 0.02
"""Mean difference from the picture kept; fonts and what is installed change a little of the text."""


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


def pixels(png: bytes) -> np.ndarray:
    """Red, green and blue of each pixel, from 0 to 1, on white."""
    image = plt.imread(BytesIO(png), format="png")
    if image.ndim == 2:
        return np.repeat(image[..., None], 3, axis=2)
    if image.shape[2] < 4:
        return image
    return image[..., :3] * image[..., 3:] + 1 - image[..., 3:]


def difference(kept: bytes, drawn: bytes) -> float:
    """Mean absolute difference of two pictures as a share of full scale; infinite if their sizes differ."""
    if size(kept) != size(drawn):
        return float("inf")
    return float(np.abs(pixels(kept) - pixels(drawn)).mean())


def check(name: str) -> bool:
    """Whether the script draws, and what it draws is the picture kept."""
    path = HERE / f"{name}.png"
    drawn = picture(name)
    if not path.exists():
        print(f"{name}: the picture kept is missing")
        return False
    apart = difference(path.read_bytes(), drawn)
    verdict = "as kept" if apart <= TOLERANCE else "not the picture kept"
    print(f"{name}: {verdict}, mean difference {apart:.2%} of full scale")
    return apart <= TOLERANCE


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
