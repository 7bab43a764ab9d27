"""The scripts of the figures: found, loaded under one private name, and run, two at a time."""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from importlib import import_module
from pathlib import Path
from types import ModuleType

from convmatrix.errors import ConvMatrixError

# Whatever folder they are read from, so that a user's own module of another name is never in the way.
_PACKAGE = "convmatrix._figures"
_PROCESSES = 2
_FEW = 3
"""Figures that are drawn sooner than another process starts."""

Drawn = tuple[str, dict[str, bytes], float]
"""A figure's name, its files by suffix, and the seconds it took."""


def scripts_folder() -> Path:
    """Where the scripts are: in the installed package, or beside it in a checkout.

    Raises
    ------
    ConvMatrixError
        If neither has them.
    """
    package = Path(__file__).parents[1]
    for folder in (package / "_figures", package.parent / "figures"):
        if (folder / "_scripts.py").is_file():
            return folder
    raise ConvMatrixError(
        f"figures must be drawn by scripts that were installed with the package, got none in {package}"
    )


def load(folder: Path, module: str) -> ModuleType:
    """One module of the folder, as part of a package with a name of its own."""
    known = sys.modules.get(_PACKAGE)
    if known is None or Path(known.__path__[0]) != folder:
        for name in [name for name in sys.modules if name == _PACKAGE or name.startswith(f"{_PACKAGE}.")]:
            del sys.modules[name]
        _load_package(folder)
    return import_module(f"{_PACKAGE}.{module}")


def _load_package(folder: Path) -> None:
    spec = importlib.util.spec_from_file_location(
        _PACKAGE, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules[_PACKAGE] = package
    try:
        spec.loader.exec_module(package)
    except BaseException:
        del sys.modules[_PACKAGE]
        raise


def draw(folder: Path, name: str) -> Drawn:
    """One figure's files.

    Raises
    ------
    ConvMatrixError
        If its script fails; the error of the script is the cause.
    """
    started = time.perf_counter()
    try:
        files: dict[str, bytes] = load(folder, "_drawing").files(name)
    except Exception as error:
        raise ConvMatrixError(f"{name} ({type(error).__name__}: {error})") from error
    return name, files, time.perf_counter() - started


def draw_all(folder: Path, names: Sequence[str]) -> Iterator[Drawn]:
    """Figures as they get ready, with progress on a terminal.

    Raises
    ------
    ConvMatrixError
        After the others, if some could not be drawn; the error of the first script is the cause.
    """
    failed: list[ConvMatrixError] = []
    try:
        for done, drawn in enumerate(_in_turn(folder, list(names)), start=1):
            if isinstance(drawn, ConvMatrixError):
                failed.append(drawn)
                continue
            _say(f"{done}/{len(names)} {drawn[0]} {drawn[2]:.1f} s")
            yield drawn
    finally:
        _say("")
    if failed:
        said = ", ".join(map(str, failed))
        raise ConvMatrixError(f"figures must be drawn by their scripts, got errors from {said}") from failed[0]


def _in_turn(folder: Path, names: list[str]) -> Iterator[Drawn | ConvMatrixError]:
    """In this process if they are few or there is one processor; else in two others. Failures are handed on."""
    missing = dict.fromkeys(names)
    if len(names) > _FEW and (os.cpu_count() or 1) > 1:
        try:
            for name, drawn in _in_processes(folder, names):
                del missing[name]
                yield drawn
        except BrokenProcessPool:
            # A program that calls this without a guard round its main part cannot have processes.
            _say("")
    for name in missing:
        try:
            yield draw(folder, name)
        except ConvMatrixError as error:
            yield error


def _in_processes(folder: Path, names: list[str]) -> Iterator[tuple[str, Drawn | ConvMatrixError]]:
    # A process copied from one with threads may hang, so they begin anew.
    pool = ProcessPoolExecutor(_PROCESSES, mp_context=multiprocessing.get_context("spawn"))
    try:
        futures = {pool.submit(draw, folder, name): name for name in names}
        for future in as_completed(futures):
            try:
                yield futures[future], future.result()
            except ConvMatrixError as error:
                yield futures[future], error
    finally:
        pool.shutdown(cancel_futures=True)


def _say(what: str) -> None:
    """One line on a terminal, over the one before."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{what}", end="", file=sys.stderr, flush=True)
