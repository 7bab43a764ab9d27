"""Draw the figures: `python -m figures [NAME ...]` writes each beside its script, `--check` draws without writing."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from convmatrix.cli.figure_scripts import draw_all
from convmatrix.cli.output import Output, write_all

from ._comparing import problem, size
from ._gallery import page
from ._scripts import HERE, Script, scripts

SUFFIXES = (".png", ".gif", ".svg")


def gallery(known: dict[str, Script], folder: Path) -> str:
    """The page of all pictures kept."""
    kept = {name: [path.name for path in _kept(folder, name)] or [f"{name}.png"] for name in known}
    return page(known.values(), kept, links=True)


def _kept(folder: Path, name: str) -> list[Path]:
    return [path for suffix in SUFFIXES if (path := folder / f"{name}{suffix}").exists()]


def write(folder: Path, name: str, files: dict[str, bytes]) -> None:
    """Keep a figure's files, and none that it had before and has no more."""
    write_all([_output(folder / f"{name}{suffix}", data) for suffix, data in files.items()])
    for path in _kept(folder, name):
        if path.suffix not in files:
            path.unlink()


def _output(path: Path, data: bytes) -> Output:
    return Output(path, str(path), lambda file: (file.write(data), None)[1])


def problems(folder: Path, name: str, files: dict[str, bytes]) -> list[str]:
    """What is wrong with the files kept of one figure."""
    found = []
    for suffix, data in files.items():
        path = folder / f"{name}{suffix}"
        wrong = problem(suffix, path.read_bytes() if path.exists() else None, data)
        found += [f"{path.name}: {wrong}"] if wrong else []
    return found + [
        f"{path.name}: its script does not draw it" for path in _kept(folder, name) if path.suffix not in files
    ]


def check(folder: Path, names: Sequence[str], known: dict[str, Script]) -> int:
    """Draw, compare, and say what is not as kept; 0 if all is."""
    found = []
    for name, files, seconds in draw_all(HERE, names):
        wrong = problems(folder, name, files)
        print("\n".join(wrong) if wrong else f"{name}: as kept, {seconds:.1f} s")
        found += wrong
    strangers = [path.name for path in sorted(folder.iterdir()) if path.suffix in SUFFIXES and path.stem not in known]
    found += [f"{name}: no script draws it" for name in strangers]
    readme = folder / "README.md"
    if not readme.exists() or readme.read_text(encoding="utf-8") != gallery(known, folder):
        found.append("README.md: not what the scripts say")
    print("\n".join([*found, f"{len(names)} figures, {len(found)} problems"]))
    return 1 if found else 0


def main(words: Sequence[str] | None = None) -> int:
    known = scripts()
    parser = argparse.ArgumentParser(prog="python -m figures", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(known)}; all by default")
    parser.add_argument("--check", action="store_true", help="compare with the pictures kept, write nothing")
    options = parser.parse_args(words)
    unknown = sorted(set(options.names) - set(known))
    if unknown:
        parser.error(f"NAME must be one of {', '.join(known)}, got {', '.join(unknown)}")
    names = [name for name in known if not options.names or name in options.names]
    if options.check:
        return check(HERE, names, known)
    for name, files, seconds in draw_all(HERE, names):
        write(HERE, name, files)
        wide, tall = size(files.get(".png") or files[".gif"])
        stored = ", ".join(f"{suffix} {len(data) / 1000:.0f} kB" for suffix, data in files.items())
        print(f"{name}: {wide} x {tall}, {stored}, {seconds:.1f} s")
    (HERE / "README.md").write_text(gallery(known, HERE), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
