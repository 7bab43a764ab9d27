"""The trained networks kept with the figures: their accuracy, their digits, their activations, and their training."""

from __future__ import annotations

import numpy as np
import pytest

import convmatrix as cm

digits = pytest.importorskip("figures.networks.digits")
GROUPS = (1, 2, 4, 8, 16)
every_network = pytest.mark.parametrize("groups", GROUPS)


@pytest.fixture(scope="module")
def networks():
    return digits.networks()


@pytest.fixture(scope="module")
def data():
    return pytest.importorskip("sklearn.datasets").load_digits()


def test_what_the_file_holds(networks):
    known = digits.about()
    assert tuple(networks) == GROUPS
    assert set(known) >= {"seed", "versions", "epochs", "accuracy", "source"}
    assert "CC BY 4.0" in known["source"]
    assert digits.WEIGHTS.stat().st_size < 500_000
    floats = [array.dtype for name, array in digits.arrays().items() if "groups" in name]
    assert set(floats) == {np.dtype(np.float32)}


@every_network
def test_the_layers_are_what_they_are_called(groups, networks):
    network = networks[groups]
    assert len(network.layers) == len(digits.NAMES)
    assert [layer.geometry.groups for layer in network.layers] == [1, *[groups] * 5, 1]
    assert [layer.out_shape for layer in network.layers] == [*[(48, 8, 8)] * 4, *[(48, 4, 4)] * 2, (10, 4, 4)]
    assert network.weights == 48 * 9 + (48 * 48 * (1 + 9 + 1 + 9 + 1)) // groups + 480


@every_network
def test_the_sample_is_recognised(groups, networks):
    images, labels = digits.sample()
    assert (networks[groups].classify(images) == labels).mean() >= 0.98


@every_network
def test_the_accuracy_is_the_one_kept(groups, networks, data):
    out = digits.arrays()["held_out"]
    found = networks[groups].classify(digits.scaled(data.images[out])) == data.target[out]
    assert float(found.mean()) == networks[groups].accuracy


def test_the_sample_is_of_digits_held_out(data):
    kept = digits.arrays()
    assert set(kept["sample_places"].tolist()) <= set(kept["held_out"].tolist())
    np.testing.assert_array_equal(kept["sample_images"], data.images[kept["sample_places"]])
    np.testing.assert_array_equal(kept["sample_labels"], data.target[kept["sample_places"]])
    assert digits.about()["digits_held_out"] + digits.about()["digits_trained_on"] == len(data.images)


@every_network
def test_torch_computes_the_same_activations(groups, networks):
    torch = pytest.importorskip("torch")
    images = digits.sample()[0][:64]
    x = torch.from_numpy(images)
    network = networks[groups]
    for place, (layer, ours) in enumerate(zip(network.layers, network.responses(images), strict=False)):
        weight, bias = torch.tensor(np.array(layer.weight)), torch.tensor(np.array(layer.bias).ravel())
        stride, padding = digits.stride_of(place), layer.weight.shape[-1] // 2
        x = torch.relu(
            torch.nn.functional.conv2d(x, weight, bias, stride, padding, groups=digits.groups_of(place, groups))
        )
        scale = float(x.abs().max())
        np.testing.assert_allclose(ours, x.numpy(), rtol=1e-5, atol=1e-5 * scale, err_msg=digits.NAMES[place])


def test_other_weights_for_some_layers(networks):
    network = networks[4]
    images = digits.sample()[0][:16]
    same = network.with_weights({place: layer.weight for place, layer in enumerate(network.layers)})
    np.testing.assert_array_equal(same.responses(images)[-1], network.responses(images)[-1])
    blind = network.with_weights({0: np.zeros((48, 1, 3, 3), np.float32)})
    assert len(set(blind.classify(images).tolist())) == 1


def test_blocks_go_beyond_chance_in_the_last_pair_of_layers(networks):
    images, _ = digits.sample()
    for groups, network in networks.items():
        seen = network.responses(images)
        found = cm.filter_correlation(network.layers[4], network.layers[5], seen[3], activation=digits.relu)
        np.testing.assert_allclose(
            found.matrix[:4, :5], np.corrcoef(_rows(seen[5])[:4], _rows(seen[4])[:5])[:4, 4:], atol=1e-5
        )
        if groups > 1:
            assert found.block_share(groups) > 1 / groups + 0.25
            # The layers alone, without any digits, know of nothing but their blocks.
            assert cm.filter_correlation(network.layers[4], network.layers[5]).block_share(groups) == 1


@pytest.mark.parametrize("groups", GROUPS[1:])
def test_blocks_zigzag_with_depth(groups, networks):
    """Clearer from one 3x3 layer and its 1x1 to the next, fainter between, clearest in the end: as the page says."""
    network, (images, _) = networks[groups], digits.sample()
    seen = [images, *network.responses(images)]
    pairs = zip(network.layers, network.layers[1:-1], seen, strict=False)
    shares = [cm.filter_correlation(*own, inputs, activation=digits.relu).block_share(groups) for *own, inputs in pairs]
    assert len(shares) == 5
    assert shares[0] < shares[2] < shares[4] == max(shares)
    assert shares[1] < shares[3] < min(shares[2], shares[4])
    assert shares[1] < shares[0]


def test_trained_kernels_fall_off_a_little_faster_than_random_ones(networks, rng):
    def second(kernels):
        values = np.linalg.svd(kernels.reshape(-1, 3, 3), compute_uv=False)
        shares = values[:, 1] / values[:, 0]
        return shares.mean(), shares.std() / np.sqrt(len(shares))

    mean, error = second(networks[1].layers[4].weight.astype(float))
    random, own = second(rng.normal(size=(48, 48, 3, 3)))
    assert random - mean > 10 * np.hypot(error, own)
    assert 0.84 < mean / random < 0.9
    assert mean > 0.4


def _rows(responses):
    return responses.astype(float).swapaxes(0, 1).reshape(responses.shape[1], -1)


# -- training ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def train():
    pytest.importorskip("torch")
    pytest.importorskip("sklearn.datasets")
    return pytest.importorskip("figures.networks.train")


def test_training_lowers_the_loss_and_repeats_itself(train, tmp_path, capsys):
    paths = [tmp_path / "one.npz", tmp_path / "two.npz"]
    for path in paths:
        asked = ["--groups", "1", "4", "--channels", "8", "--epochs", "3", "--output", str(path)]
        assert train.main(asked) == 0
    one, two = (digits.arrays(path) for path in paths)
    assert one.keys() == two.keys()
    assert all((one[name] == two[name]).all() for name in one)
    for losses in digits.about(paths[0])["losses"].values():
        assert losses[-1] < 0.9 * losses[0]
    assert list(digits.networks(paths[0])) == [1, 4]
    said = capsys.readouterr()
    assert not said.out
    assert "4 groups: accuracy" in said.err


def test_folding_keeps_what_the_network_computes(train, rng):
    import torch

    model = train.build(4, 16)
    images = rng.random((32, 1, 8, 8), dtype=np.float32)
    model(torch.from_numpy(images))  # moves the running means away from 0
    model.eval()
    arrays = {
        f"groups4_{kind}{place}": array
        for place, pair in enumerate(train.folded(model))
        for kind, array in zip(("weight", "bias"), pair, strict=True)
    }
    network = digits.built(arrays, 4, 0.0)
    with torch.no_grad():
        expected = model(torch.from_numpy(images)).numpy()
    last = network.layers[-1]
    scores = (last(network.responses(images)[-1]) + last.bias).mean(axis=(-2, -1))
    np.testing.assert_allclose(scores, expected, atol=1e-5)


def test_a_quarter_is_held_out(train):
    out = train.held_out(1797)
    assert len(out) == 449
    assert len(set(out.tolist())) == 449
    np.testing.assert_array_equal(out, digits.arrays()["held_out"])
