"""The floors of the house, read off its source: imports go down only, and some things are nowhere."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import convmatrix

ROOT = Path(convmatrix.__file__).parent
FLOORS = (
    "errors", "memory", "parallel", "geometry", "exact", "assembly", "windows", "direct", "fourier", "kernels",
    "operators", "kinds", "analysis", "models", "plots", "cli",
)  # fmt: skip
FILES = sorted(ROOT.rglob("*.py"))
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in FILES}
MOST_LINES, MOST_BODY = 400, 50

every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())


def floor_of(path: Path) -> str:
    """The floor a file belongs to; the package's own `__init__` and `__main__` stand above all."""
    first = path.relative_to(ROOT).parts[0].removesuffix(".py")
    return "" if first in ("__init__", "__main__", "_version") else first


def imported(tree: ast.AST, path: Path) -> Iterator[str]:
    """Dotted names of everything imported anywhere in a file, within functions too, `TYPE_CHECKING` too."""
    package = ("convmatrix", *path.relative_to(ROOT).parent.parts)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) + 1 - node.level]) + "." if node.level else ""
            module = (base + (node.module or "")).rstrip(".")
            yield from (f"{module}.{alias.name}" for alias in node.names)


def called(tree: ast.AST) -> Iterator[ast.Call]:
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def name_of(call: ast.Call) -> str:
    return ast.unparse(call.func)


@every_file
def test_imports_go_down(path: Path) -> None:
    floor = floor_of(path)
    if not floor:
        return
    assert floor in FLOORS, f"{floor} has no place among the floors {FLOORS}"
    reach = FLOORS[: FLOORS.index(floor) + 1]
    for name in imported(TREES[path], path):
        top, _, rest = name.partition(".")
        if top == "convmatrix" and rest != "__version__":
            target = rest.split(".")[0]
            assert target in reach, f"{path.name} on floor {floor} imports {name}"


def test_the_surface_re_exports_only() -> None:
    defined = [node for node in TREES[ROOT / "__init__.py"].body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
    assert {node.name for node in defined} <= {"__getattr__", "__dir__"}


def test_every_public_name_is_there() -> None:
    for name in convmatrix.__all__:
        assert getattr(convmatrix, name).__doc__
    assert len(set(convmatrix.__all__)) == len(convmatrix.__all__)
    assert set(convmatrix.__all__) <= set(dir(convmatrix))


def test_names_nobody_knows() -> None:
    with pytest.raises(AttributeError, match="module 'convmatrix' has no attribute 'convolve'"):
        convmatrix.convolve  # noqa: B018


@every_file
def test_only_plots_import_matplotlib(path: Path) -> None:
    roots = {name.split(".")[0] for name in imported(TREES[path], path)}
    if floor_of(path) != "plots":
        assert not roots & {"matplotlib", "mpl_toolkits", "PIL"}


@every_file
def test_frameworks_are_imported_nowhere(path: Path) -> None:
    roots = {name.split(".")[0] for name in imported(TREES[path], path)}
    assert not roots & {"torch", "tensorflow", "keras", "jax", "onnx", "pylops", "pytest", "hypothesis"}


@every_file
def test_matplotlib_and_sympy_load_within_functions(path: Path) -> None:
    """Whoever does not draw or compute symbols does not wait for them."""
    heavy = {"sympy", "scipy.signal", "scipy.ndimage"} | ({"matplotlib"} if floor_of(path) != "plots" else set())
    top_level = [node for node in TREES[path].body if isinstance(node, (ast.Import, ast.ImportFrom))]
    for node in top_level:
        for name in imported(ast.Module([node], []), path):
            assert not any(name == lib or name.startswith(lib + ".") for lib in heavy), name


@every_file
def test_only_the_command_line_prints(path: Path) -> None:
    if floor_of(path) == "cli" or path.name == "__main__.py":
        return
    for call in called(TREES[path]):
        assert name_of(call) not in ("print", "input", "sys.stdout.write", "sys.stderr.write", "sys.exit")


@every_file
def test_text_is_never_evaluated(path: Path) -> None:
    forbidden = {"eval", "exec", "compile", "__import__", "sympy.parse_expr", "parse_expr", "ast.literal_eval"}
    for call in called(TREES[path]):
        assert name_of(call) not in forbidden
    modules = {name.split(".")[0] for name in imported(TREES[path], path)}
    assert not modules & {"pickle", "marshal", "shelve", "dill", "joblib", "subprocess", "ctypes"}


@every_file
def test_loading_never_unpickles(path: Path) -> None:
    for call in called(TREES[path]):
        if name_of(call).split(".")[-1] in ("load", "open_memmap") and name_of(call).startswith(("np.", "numpy.")):
            allowed = [keyword.value for keyword in call.keywords if keyword.arg == "allow_pickle"]
            assert [ast.unparse(value) for value in allowed] == ["False"], ast.unparse(call)


@every_file
def test_sparse_arrays_not_matrices(path: Path) -> None:
    names = {node.id for node in ast.walk(TREES[path]) if isinstance(node, ast.Name)}
    assert not names & {"csr_matrix", "csc_matrix", "coo_matrix", "lil_matrix"}


@every_file
def test_files_can_be_read_at_one_go(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES
    assert ast.get_docstring(TREES[path])
    for node in ast.walk(TREES[path]):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            body = [part for part in node.body if not _is_docstring(part)]
            if body:
                last, first = body[-1].end_lineno, body[0].lineno
                assert last is not None
                assert last - first < MOST_BODY, node.name


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


@every_file
def test_public_functions_say_what_they_do(path: Path) -> None:
    for node in TREES[path].body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            assert ast.get_docstring(node), node.name


@every_file
def test_everything_is_annotated(path: Path) -> None:
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.FunctionDef):
            given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            bare = [argument.arg for argument in given if argument.annotation is None]
            assert not set(bare) - {"self", "cls"}, node.name
            assert node.returns is not None, node.name
