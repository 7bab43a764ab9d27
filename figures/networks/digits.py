"""The trained networks kept beside this file, as operators, and a sample of digits: no framework is needed.

The digits are those that ship with scikit-learn: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits,
UCI Machine Learning Repository (1998), doi:10.24432/C50P49, CC BY 4.0.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import convmatrix as cm

WEIGHTS = Path(__file__).with_name("digits_groups.npz")
NAMES = ("1a", "1b", "2a", "2b", "3a", "3b", "classes")
"""The layers: 3x3, then 1x1, three times, the last 3x3 with stride 2; a 1x1 to ten classes, averaged over space."""
BRIGHTEST = 16
"""Of the 17 shades of a digit."""


@dataclass(frozen=True)
class Network:
    """One trained network: a convolution with its bias a layer, ReLU after each but the last.

    Attributes
    ----------
    groups : int
        Of every layer but the first, which sees the picture, and the last, which sees all.
    layers : tuple of TensorOperator
        In the order of `NAMES`.
    accuracy : float
        The share of the digits held out that it recognises, as the training script found it.
    """

    groups: int
    layers: tuple[Any, ...]
    accuracy: float

    @property
    def weights(self) -> int:
        """Weight entries of all layers."""
        return sum(layer.weight.size for layer in self.layers)

    def responses(self, images: np.ndarray) -> list[np.ndarray]:
        """What every layer but the last passes on: arrays `(n, channels, *spatial)`."""
        passed = [images]
        for layer in self.layers[:-1]:
            passed.append(relu(layer(passed[-1]) + layer.bias))
        return passed[1:]

    def classify(self, images: np.ndarray) -> np.ndarray:
        """The digit that each image `(n, 1, 8, 8)` is taken for."""
        last = self.layers[-1]
        scores = last(self.responses(images)[-1]) + last.bias
        return np.argmax(scores.mean(axis=(-2, -1)), axis=1)

    def with_weights(self, weights: Mapping[int, np.ndarray]) -> Network:
        """The same network with other weights in some layers, by their places; its accuracy is not known."""
        layers = [
            layer
            if place not in weights
            else _layer(weights[place], layer.bias, layer.in_shape[1:], self.groups, place)
            for place, layer in enumerate(self.layers)
        ]
        return Network(self.groups, tuple(layers), float("nan"))


def relu(x: np.ndarray) -> np.ndarray:
    """What is positive, and 0 for the rest."""
    return np.maximum(x, 0)


def stride_of(place: int) -> int:
    """The step of a layer: the last 3x3 halves the picture."""
    return 2 if NAMES[place] == "3a" else 1


def groups_of(place: int, groups: int) -> int:
    """The groups of a layer in a network of so many."""
    return 1 if place in (0, len(NAMES) - 1) else groups


def scaled(images: np.ndarray) -> np.ndarray:
    """Digits of 17 shades as the networks see them: float32 `(n, 1, 8, 8)` from 0 to 1."""
    return (np.asarray(images, dtype=np.float32) / BRIGHTEST)[:, None]


def built(arrays: Mapping[str, np.ndarray], groups: int, accuracy: float) -> Network:
    """The network of so many groups from the arrays of a file."""
    layers, size = [], (8, 8)
    for place in range(len(NAMES)):
        weight, bias = (arrays[f"groups{groups}_{kind}{place}"] for kind in ("weight", "bias"))
        layers.append(_layer(weight, bias, size, groups, place))
        size = layers[-1].out_shape[1:]
    return Network(groups, tuple(layers), accuracy)


def untrained(like: Network, images: np.ndarray, rng: np.random.Generator) -> Network:
    """A network of the same shape with random weights: what its groups do before anything is learned.

    Every filter is normalised over the images, to mean 0 and variance 1 before ReLU, as batch normalisation does.
    """
    layers: list[Any] = []
    for place, old in enumerate(like.layers):
        weight = rng.normal(size=old.weight.shape).astype(np.float32)
        size = old.in_shape[1:]
        raw = _layer(weight, np.zeros(len(weight), np.float32), size, like.groups, place)(images)
        mean, spread = raw.mean(axis=(0, 2, 3)), raw.std(axis=(0, 2, 3))
        layers.append(_layer(weight / spread[:, None, None, None], -mean / spread, size, like.groups, place))
        images = relu(layers[-1](images) + layers[-1].bias)
    return Network(like.groups, tuple(layers), float("nan"))


def _layer(weight: np.ndarray, bias: np.ndarray, size: tuple[int, ...], groups: int, place: int) -> Any:
    options = {"stride": stride_of(place), "padding": weight.shape[-1] // 2, "groups": groups_of(place, groups)}
    return cm.conv(weight, size, bias=np.ravel(bias), **options)


@cache
def arrays(path: Path = WEIGHTS) -> dict[str, np.ndarray]:
    """Every array of the file, by name."""
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def about(path: Path = WEIGHTS) -> dict[str, Any]:
    """What the file says of itself: seed, versions, epochs, accuracies, source of the digits."""
    return dict(json.loads(str(arrays(path)["about"])))


def networks(path: Path = WEIGHTS) -> dict[int, Network]:
    """The networks by their number of groups."""
    known = about(path)["accuracy"]
    return {int(groups): built(arrays(path), int(groups), share) for groups, share in known.items()}


def sample(path: Path = WEIGHTS) -> tuple[np.ndarray, np.ndarray]:
    """Digits that no network was trained on: images `(n, 1, 8, 8)` from 0 to 1, and what they show."""
    return scaled(arrays(path)["sample_images"]), arrays(path)["sample_labels"].astype(int)
