"""Train the networks of the figures: `python -m figures.networks.train` writes digits_groups.npz beside this file.

Five networks in the manner of Network-in-Network (Lin, Chen, Yan, arXiv:1312.4400), which differ in their filter groups
alone, on the digits of scikit-learn: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine
Learning Repository (1998), doi:10.24432/C50P49, CC BY 4.0. A quarter of the digits is held out. It needs PyTorch and
scikit-learn; whoever draws the figures does not.

A seed fixes the weights for one machine and one set of versions. Elsewhere sums of floats come in another order, and
the same seed trains other networks.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from . import digits

GROUPS = (1, 2, 4, 8, 16)
CHANNELS, EPOCHS, SEED = 48, 20, 0
SAMPLE = 256
_BATCH, _RATE, _DECAY = 64, 1e-2, 1e-2
_SOURCE = (
    "E. Alpaydin, C. Kaynak: Optical Recognition of Handwritten Digits, UCI Machine Learning Repository (1998), "
    "doi:10.24432/C50P49, CC BY 4.0; the part that ships with scikit-learn"
)


def held_out(count: int, seed: int = SEED) -> np.ndarray:
    """Which of the digits no network sees: a quarter of them, ascending."""
    return np.sort(np.random.default_rng(seed).permutation(count)[: count // 4])


def build(groups: int, channels: int, seed: int = SEED) -> Any:
    """A network before training: convolutions, each but the last with batch normalisation and ReLU."""
    import torch
    from torch import nn

    torch.manual_seed(seed)
    layers: list[Any] = []
    for place in range(len(digits.NAMES) - 1):
        size = 1 if place % 2 else 3
        layers += [
            nn.Conv2d(
                1 if place == 0 else channels,
                channels,
                size,
                stride=digits.stride_of(place),
                padding=size // 2,
                groups=digits.groups_of(place, groups),
                bias=False,
            ),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
        ]
    return nn.Sequential(*layers, nn.Conv2d(channels, 10, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())


def train(model: Any, images: np.ndarray, labels: np.ndarray, epochs: int, seed: int = SEED) -> list[float]:
    """Adam with decoupled weight decay and one cycle of the learning rate; the mean loss of every epoch."""
    import torch

    x, y = torch.from_numpy(images), torch.from_numpy(labels)
    batches = len(x) // _BATCH
    optimiser = torch.optim.AdamW(model.parameters(), lr=_RATE, weight_decay=_DECAY)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, _RATE, epochs=epochs, steps_per_epoch=batches)
    shuffled = torch.Generator().manual_seed(seed)
    model.train()
    losses = []
    for _ in range(epochs):
        total = 0.0
        for places in torch.randperm(len(x), generator=shuffled)[: batches * _BATCH].split(_BATCH):
            loss = torch.nn.functional.cross_entropy(model(x[places]), y[places])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            rate.step()
            total += loss.item()
        losses.append(total / batches)
    model.eval()
    return losses


def folded(model: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    """Weight and bias of every convolution, the batch normalisation behind it multiplied into them."""
    found = []
    for layer, norm in pairwise(model):
        if not hasattr(layer, "kernel_size"):
            continue
        weight = layer.weight.detach().double().numpy()
        bias = np.zeros(len(weight)) if layer.bias is None else layer.bias.detach().double().numpy()
        if hasattr(norm, "running_mean"):
            mean, spread = norm.running_mean.double().numpy(), norm.running_var.double().numpy()
            factor = norm.weight.detach().double().numpy() / np.sqrt(spread + norm.eps)
            weight, bias = weight * factor[:, None, None, None], norm.bias.detach().double().numpy() - mean * factor
        found.append((weight.astype(np.float32), bias.astype(np.float32)))
    return found


def trained(groups: Sequence[int], channels: int, epochs: int, seed: int = SEED) -> dict[str, np.ndarray]:
    """Every array of the file: weights and biases, a sample of the digits held out, and what is known of them."""
    import sklearn
    import torch
    from sklearn.datasets import load_digits

    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    data = load_digits()
    images, labels = digits.scaled(data.images), data.target
    out = held_out(len(images), seed)
    seen = np.setdiff1d(np.arange(len(images)), out)
    arrays: dict[str, np.ndarray] = {}
    accuracy, losses = {}, {}
    for count in groups:
        start = time.perf_counter()
        model = build(count, channels, seed)
        losses[count] = train(model, images[seen], labels[seen], epochs, seed)
        for place, (weight, bias) in enumerate(folded(model)):
            arrays |= {f"groups{count}_weight{place}": weight, f"groups{count}_bias{place}": bias}
        right = digits.built(arrays, count, 0).classify(images[out]) == labels[out]
        accuracy[count] = float(right.mean())
        said = f"{count} groups: accuracy {accuracy[count]:.4f}, last loss {losses[count][-1]:.4f}"
        print(f"{said}, {time.perf_counter() - start:.0f} s", file=sys.stderr)
    sample = out[:SAMPLE]
    arrays |= {"held_out": out.astype(np.int16), "sample_places": sample.astype(np.int16)}
    arrays |= {"sample_images": data.images[sample].astype(np.uint8), "sample_labels": labels[sample].astype(np.uint8)}
    known = {
        "seed": seed, "epochs": epochs, "channels": channels, "accuracy": accuracy, "losses": losses,
        "digits_held_out": len(out), "digits_trained_on": len(seen), "source": _SOURCE,
        "versions": {"torch": torch.__version__, "numpy": np.__version__, "scikit-learn": sklearn.__version__},
    }  # fmt: skip
    return arrays | {"about": np.array(json.dumps(known))}


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, train, write."""
    parser = argparse.ArgumentParser(prog="python -m figures.networks.train", description=__doc__)
    parser.add_argument("--groups", type=int, nargs="+", default=list(GROUPS), help="one network for each")
    parser.add_argument("--channels", type=int, default=CHANNELS)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("-o", "--output", type=Path, default=digits.WEIGHTS, help="the .npz file")
    options = parser.parse_args(arguments)
    arrays = trained(options.groups, options.channels, options.epochs, options.seed)
    with options.output.open("wb") as file:
        np.savez_compressed(file, **arrays)
    print(f"{options.output.name}: {options.output.stat().st_size // 1000} kB", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
