"""The benchmarks run, on sizes that take no time, and their peers build and apply what this package does."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

import convmatrix as cm
from benchmarks import (
    apply,
    build,
    common,
    equality,
    layers,
    overlap,
    peers,
    run,
    separability,
    small,
    spectrum,
    survey,
    symbolic,
)
from benchmarks.cases import APPLIED, APPLIED_QUICK, BUILT, BY_NAME, Case
from convmatrix import exact

CASES = (
    Case("picture", (7, 6), (1, 1, 3, 3), padding=1),
    Case("channels", (6, 5), (4, 3, 3, 2), padding=1),
    Case("stem", (9, 8), (4, 3, 3, 3), stride=2, padding=2),
    Case("grouped", (7, 7), (6, 2, 3, 3), padding=1, groups=3),
    Case("dilated", (9, 9), (2, 2, 3, 3), padding=2, dilation=2),
    Case("volume", (4, 5, 3), (2, 3, 2, 3, 1), padding=1),
    Case("signal", (20,), (1, 1, 5), padding=2),
    Case("narrow signal", (20,), (1, 1, 5), padding=1, dilation=2),
)
TRANSPOSED = (
    Case("decoder", (4, 5), (3, 2, 4, 4), stride=2, padding=1, transposed=True),
    Case("enlarged", (5, 4), (1, 1, 3, 3), stride=2, padding=1, transposed=True),
)
BUILDERS = [(case, name) for case in CASES for name in peers.peers_of(case)]
LAYERS = [(case, name) for case in (*CASES, *TRANSPOSED) for name in layers.ways(case)]


def named(pairs: list[tuple[Case, str]]) -> list[str]:
    return [f"{case.name}-{name}" for case, name in pairs]


@pytest.mark.parametrize(("case", "name"), BUILDERS, ids=named(BUILDERS))
def test_peers_build_the_same_matrix(case: Case, name: str) -> None:
    matrix, ours = peers.PEERS[name](case), case.operator().tosparse()
    assert matrix.shape == ours.shape
    assert matrix.nnz == ours.nnz
    assert (matrix != ours).nnz == 0


@pytest.mark.parametrize(("case", "name"), LAYERS, ids=named(LAYERS))
def test_other_layers_give_the_same_answer(case: Case, name: str) -> None:
    operator = case.operator()
    x = np.random.default_rng(3).standard_normal((2, *operator.in_shape))
    np.testing.assert_allclose(layers.ways(case)[name](x), operator(x), rtol=1e-12, atol=1e-12)


def test_one_hot_stops_where_its_rate_is_hopeless(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.setattr(peers, "_PATIENCE", 0.0)
    with pytest.raises(peers.TooSlow, match=r"> 0 s \(rate: "):
        peers.one_hot(CASES[0], 0.0)


def test_build_is_compared_with_a_fill() -> None:
    rows = list(build.against_fill(CASES[1], 1, common.Target(1e9)))
    assert [row.what for row in rows] == ["build", "build transpose"]
    assert all(row.met for row in rows)


def test_small_and_symbolic_pieces_run() -> None:
    rows = [*small.small_matrix(1), *symbolic.symbolic(1, 6)]
    assert all(row.value is not None and 0 < row.value < 5 for row in rows)


def test_separability_pieces_run(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def child(*arguments: str, limit: float = 0.0) -> dict[str, object]:
        asked.append(arguments[0])
        return {"failed": "> 0 s"} if arguments[0] == "decompose" else {"seconds": 1.0, "peak": 2.0, "bytes": 1.0}

    monkeypatch.setattr(separability, "child", child)
    weight = np.random.default_rng(4).standard_normal((3, 4, 3, 3)).astype(np.float32)
    rows = [
        *separability.verdicts(1, 2),
        *separability.whole_answers(3, 3),
        *separability.stubborn(1, 0.0),
        *separability.layers(1, weight),
        *separability.layer_memory(),
        *separability.large_ranks(1, separability.LARGE[:1], 0.0),
    ]
    assert asked[:6] == ["decompose"] * 4 + ["layer"] * 2
    assert all(row.value is not None or row.note for row in rows)
    assert all(row.reference is not None for row in rows if row.against)


def test_overlap_pieces_run() -> None:
    few = {"3->2": (3, 2)}
    rows = [
        *overlap.against_fill((8, 6), 1, common.Target(1e9)),
        *overlap.against_others((4, 6, 8), 1),
        *overlap.verdicts(few, 1),
        *overlap.fixes(few, 1),
        *overlap.stack((4, 3, 2, 1), 1),
    ]
    assert rows[0].met
    assert rows[-1].case == "4->3->2->1, each 4x4 T/2"
    assert all(row.value is not None and 0 < row.value < 5 for row in rows)


@pytest.mark.parametrize("size", [(8,), (8, 6), (4, 6, 8)], ids=str)
def test_other_ways_count_the_same(size: tuple[int, ...]) -> None:
    ways = overlap.counting(overlap.enlarging(size))
    counts = ways["counts"]()
    assert counts.shape == size
    for name in list(ways)[1:]:
        np.testing.assert_array_equal(ways[name](), counts, err_msg=name)


@pytest.mark.parametrize("channels", [(3, 2), (4, 3, 2, 1)], ids=["layer", "decoder"])
def test_looking_at_the_output_agrees(channels: tuple[int, ...]) -> None:
    pytest.importorskip("torch")
    op, weights = overlap.decoder(channels)
    assert overlap.torch_looking(weights)() is cm.checkerboard(op).is_free is False
    assert overlap.torch_looking([overlap.least_squares(weight) for weight in weights])()


def test_least_squares_find_the_same_weight() -> None:
    layer = overlap.layer(3, 2)
    nearest = cm.checkerboard(layer).nearest_free()
    np.testing.assert_allclose(overlap.least_squares(np.asarray(layer.weight)), nearest.weight, atol=1e-6)


LARGE_RANKS = dict(zip(separability.LARGE, (100, 784, 783), strict=True))


@pytest.mark.parametrize("name", LARGE_RANKS)
def test_large_matrices_have_the_rank_that_is_said(name: str) -> None:
    assert exact.rank(separability.large_matrix(name)) == LARGE_RANKS[name]


def test_other_libraries_agree_on_a_rank() -> None:
    matrix = separability.large_matrix("100 x 196")[:30, :60]
    assert separability.peer_rank("DomainMatrix.rank", matrix) == exact.rank(matrix)


@pytest.mark.parametrize("form", apply.FORMS)
@pytest.mark.parametrize("case", [CASES[0], CASES[3], TRANSPOSED[0]], ids=lambda case: case.name)
def test_applying_is_compared_with_every_other_way(case: Case, form: str) -> None:
    ways = layers.ways(case)
    rows = [*apply.applied(case, form, ways, 1), *apply.transposed(case, form, 1)]
    assert set(rows[0].others) == set(ways)
    assert [row.what for row in rows[:2]] == [f"{form}, first", f"{form}, later"]
    assert rows[-1].what == f"{form}, transpose"


def test_equality_counts_what_it_drew() -> None:
    rows = list(equality.equality(12, 5))
    assert rows[0].met
    for kind in ("-D", "mode ", "groups "):
        assert sum(row.value or 0 for row in rows if kind in row.what) == 12


def test_names_are_distinct() -> None:
    assert len({case.name for case in APPLIED}) == len(APPLIED)
    assert {case.name for case in (*BUILT, *APPLIED_QUICK)} <= set(BY_NAME)


TARGETS = [
    (common.Target(1.3), 1.2, 1.0, True),
    (common.Target(1.3), 1.4, 1.0, False),
    (common.Target(20, at_least=True), 21.0, 1.0, True),
    (common.Target(20, at_least=True), 19.0, 1.0, False),
    (common.Target(15e-6, "excess"), 30e-6, 20e-6, True),
    (common.Target(15e-6, "excess"), 40e-6, 20e-6, False),
    (common.Target(0.1, "value"), 0.05, None, True),
    (common.Target(0.1, "value"), None, None, None),
    (common.Target(1.3), 1.0, None, None),
]


@pytest.mark.parametrize(
    ("target", "value", "reference", "met"),
    TARGETS,
    ids=[f"{t.of} {v} by {r} {t.text('s')}" for t, v, r, _ in TARGETS],
)
def test_targets_are_judged(target: common.Target, value: float | None, reference: float | None, met: bool) -> None:
    assert common.Row("case", "what", value, "peer", reference, target).met is met


QUANTITIES = [(1.5, "s", "1.5 s"), (0.0123, "s", "12.3 ms"), (4.2e-6, "s", "4.2 us"), (1.36e9, "B", "1.36 GB"),
              (10_000, "", "10000"), (None, "s", "-"), (math.inf, "s", "-"), (12345.0, "s", "12345 s")]  # fmt: skip


@pytest.mark.parametrize(("value", "unit", "text"), QUANTITIES, ids=[text for *_, text in QUANTITIES])
def test_quantities_are_readable(value: float | None, unit: str, text: str) -> None:
    assert common.quantity(value, unit) == text


def test_the_slow_leave_and_the_rest_are_timed() -> None:
    calls = {"slow": 0, "fast": 0}

    def call(name: str, numbers: int) -> float:
        calls[name] += 1
        return float(np.arange(numbers).sum())

    times = common.race(
        {"slow": lambda: call("slow", 4_000_000), "fast": lambda: call("fast", 400_000)}, 5, may_leave=["slow"]
    )
    assert calls["slow"] < calls["fast"]
    assert 0 < times.best["fast"] < times.best["slow"]


def test_a_table_is_aligned() -> None:
    rows = [
        common.Row("a", "build", 0.5, "fill", 0.25, common.Target(1.3)),
        common.Row("long name", "x", None, note="-"),
    ]
    lines = common.table(rows).split("\n")
    assert "NO" in lines[1]
    assert lines[0].index("what") == lines[1].index("build") == lines[2].index("x")


def test_a_child_that_fails_says_why() -> None:
    assert "unheard" in common.child("peer", "COO", "unheard of", "1")["failed"]


def test_the_command_line_runs_and_writes_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Fewer symbols than a real run takes.
    monkeypatch.setattr(symbolic, "run", lambda settings: symbolic.symbolic(settings.repeats, 5))
    file = tmp_path / "rows.json"
    assert run.main(["symbolic", "--repeats", "1", "--json", str(file)]) == 0
    assert "2 of 2 targets met" in capsys.readouterr().out
    assert '"schema_version": 1' in file.read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["nothing"], "NAME must be one of small"), (["--repeats", "0"], "--repeats must be at least 1, got 0")],
    ids=["unknown name", "no repeats"],
)
def test_bad_arguments_are_refused(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run.main(arguments)
    assert message in capsys.readouterr().err


def test_spectrum_pieces_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spectrum, "child", lambda *_: {"peak": 1.0})
    monkeypatch.setattr(spectrum, "SIZE", (6, 6))
    rows = [*spectrum.circular(3, 1, common.Target(1e9)), *spectrum.norms(3, 1, True), *spectrum.memory(3)]
    assert [row.what for row in rows][:2] == ["108 values", "largest difference"]
    assert all(row.value is not None for row in rows)
    assert all(row.met for row in rows if row.unit in ("1e-12", "%"))


def test_all_convolutions_of_resnet50_are_surveyed(monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = survey.resnet50()
    assert len(shapes) == 53
    assert sum(shape.inputs * shape.outputs * shape.kernel**2 for shape in shapes) == 23_454_912
    assert shapes[-1] == survey.Shape(512, 2048, 1, 1, 7)
    monkeypatch.setattr(survey, "resnet50", lambda: [survey.Shape(2, 3, 3, 2, 8), survey.Shape(3, 2, 1, 1, 4)])
    rows = list(survey.run(common.Settings()))
    assert [row.case for row in rows] == ["2->3 3x3 /2 on 8x8", "3->2 1x1 on 4x4", "2 layers", "2 layers"]
    assert rows[0].what == "48 values"
    assert rows[-1].what == "norms to 1 %, 2 reached"
