"""Equal to the frameworks, to the last bit: a sample of the configurations that the benchmark draws by the thousand."""

from __future__ import annotations

import equality
import numpy as np
import pytest


@pytest.mark.parametrize("seed", range(10))
def test_a_sample_agrees_exactly(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(30):
        equality.check(equality.draw(rng))


def test_the_sample_is_of_every_kind() -> None:
    rng = np.random.default_rng(0)
    drawn = [equality.draw(rng) for _ in range(300)]
    assert {len(configuration.input_size) for configuration in drawn} == {1, 2, 3}
    assert {configuration.arguments.get("padding_mode", "transposed") for configuration in drawn} == {
        "zeros", "circular", "reflect", "replicate", "symmetric", "transposed",
    }  # fmt: skip
    assert {configuration.arguments["groups"] for configuration in drawn} == {1, 2, 3}
    extras = [c.arguments for c in drawn if c.transposed]
    beyond = [e for given in extras for e, s in zip(given["output_padding"], given["stride"], strict=True) if e >= s]
    assert beyond, "some output_padding from the stride up, below the dilation"


def test_the_same_seed_draws_the_same() -> None:
    one, two = (equality.draw(np.random.default_rng(7)) for _ in range(2))
    assert repr(one) == repr(two)
    assert np.array_equal(one.weight, two.weight)


@pytest.mark.parametrize("transposed", [False, True], ids=["conv", "transpose"])
def test_the_frameworks_agree_with_each_other(transposed: bool) -> None:
    """The reference in NumPy is PyTorch's answer, so that it may stand in for it."""
    pytest.importorskip("torch")
    rng = np.random.default_rng(3)
    drawn = [c for c in (equality.draw(rng) for _ in range(200)) if c.transposed == transposed]
    for configuration in drawn:
        x = rng.integers(-9, 9, (configuration.batch, *configuration.operator.in_shape))
        assert np.array_equal(equality.windows(configuration, x), equality.torch_answer(configuration, x))


@pytest.mark.parametrize("wrong", ["windows", "torch_answer", "_direct"])
def test_a_difference_would_be_seen(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if wrong == "torch_answer":
        pytest.importorskip("torch")
    right = getattr(equality, wrong)
    monkeypatch.setattr(equality, wrong, lambda *given: right(*given) + 1)
    with pytest.raises(AssertionError, match=r"differs for Configuration\(transposed="):
        equality.check(equality.draw(np.random.default_rng(1)))
