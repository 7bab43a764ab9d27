"""`convmatrix figures`: the figures of the article, drawn from the public API into a folder."""

from __future__ import annotations

import argparse
import contextlib
import difflib
import os
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any

from convmatrix.cli.figure_scripts import draw_all, load, scripts_folder
from convmatrix.cli.output import Output, as_json, remark, show, write_all
from convmatrix.cli.parser import Command, unguarded
from convmatrix.errors import ConvMatrixError

FOLDER = "convmatrix-figures"
PAGE = "figures.md"
_DESCRIPTION = f"""\
The figures of the article, section by section: all of them, or those named. Each is a PNG, an animation a GIF, and a
small one an SVG too. Drawing all takes a minute or two, in two processes; then {PAGE} shows them with their captions.
"""
_EPILOG = """\
examples:
  convmatrix figures --list
  convmatrix figures animation_convolution -o pictures
  convmatrix figures article_matrix remedies -o pictures --json

convmatrix figures -o pictures draws all of them
"""


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", type=unguarded, metavar="NAME", help="figures (default: all)")
    parser.add_argument("--list", action="store_true", help="list names, sections and titles, and draw nothing")
    group = parser.add_argument_group("output")
    group.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    group.add_argument(
        "-o", "--output", type=unguarded, metavar="DIR", help=f"the folder, made if missing (default {FOLDER})"
    )


def _run(given: argparse.Namespace) -> int:
    scripts = scripts_folder()
    known = _read(scripts)
    chosen = _chosen(given.names, known)
    if given.list:
        if given.output is not None:
            raise ConvMatrixError(f"-o must come without --list, got {given.output!r}")
        records = [script.to_dict() for script in chosen]
        show(as_json("figures", {"figures": records}) if given.json else _table(records))
        return 0
    typed = FOLDER if given.output is None else given.output
    folder = _checked(typed)
    with _made(folder):
        written: dict[str, dict[str, bytes]] = {}
        for name, files, _ in draw_all(scripts, [script.name for script in chosen]):
            write_all([_output(folder, typed, name + suffix, data) for suffix, data in files.items()])
            written[name] = files
        if len(chosen) == len(known):
            shown = {name: [name + suffix for suffix in files] for name, files in written.items()}
            text = load(scripts, "_gallery").page(chosen, shown, links=False)
            write_all([_output(folder, typed, PAGE, text.encode())])
    _report(given, scripts, typed, [(script.to_dict(), written[script.name]) for script in chosen])
    return 0


def _read(folder: Path) -> dict[str, Any]:
    """Every script by name, in the order of the article."""
    try:
        known: dict[str, Any] = load(folder, "_scripts").scripts()
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        raise ConvMatrixError(f"figures must be scripts that can be read, got {said} in {folder}") from error
    return known


def _chosen(names: Iterable[str], known: dict[str, Any]) -> list[Any]:
    """The scripts asked for, in the order of the article."""
    asked = set(names)
    for name in sorted(asked - set(known)):
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else "--list lists them"
        raise ConvMatrixError(f"NAME must be a figure, got {name!r}: {hint}")
    return [script for name, script in known.items() if not asked or name in asked]


def _checked(typed: str) -> Path:
    """The folder, refused before any work where no file could be written into it."""
    folder = Path(os.path.realpath(typed))
    if not typed or (folder.exists() and not folder.is_dir()):
        raise ConvMatrixError(f"-o must be a folder, got {typed!r}")
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise ConvMatrixError(f"-o must be a folder that can be written, got {typed!r}")
    return folder


@contextlib.contextmanager
def _made(folder: Path) -> Iterator[None]:
    """Make a folder; where nothing was written into it, take away what was made."""
    new = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            for parent in new:
                parent.rmdir()


def _output(folder: Path, typed: str, file: str, data: bytes) -> Output:
    return Output(folder / file, str(Path(typed) / file), partial(_write, data))


def _write(data: bytes, file: IO[bytes]) -> None:
    file.write(data)


def _report(
    given: argparse.Namespace, scripts: Path, typed: str, written: list[tuple[dict[str, Any], dict[str, bytes]]]
) -> None:
    """What was written: as JSON, or a line a figure."""
    if given.json:
        measured = load(scripts, "_comparing").measured
        records = []
        for record, files in written:
            paths = [
                {"path": str(Path(typed) / f"{record['name']}{suffix}"), "bytes": len(data), **measured(suffix, data)}
                for suffix, data in files.items()
            ]
            records.append({**record, "files": paths})
        show(as_json("figures", {"folder": typed, "figures": records}))
    else:
        show(_table([{**record, "name": f"{record['name']}{', '.join(files)}"} for record, files in written]))
    remark(f"wrote {sum(len(files) for _, files in written)} pictures into {typed}")


def _table(records: list[dict[str, Any]]) -> str:
    """Section, name and title in columns."""
    rows = [(record["section"], record["name"], record["title"]) for record in records]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(2)]
    return "\n".join(f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]}" for row in rows)


_SUMMARY = "the figures of the article, drawn into a folder"
COMMAND = Command("figures", _SUMMARY, _DESCRIPTION, _EPILOG, _add_options, _run)
