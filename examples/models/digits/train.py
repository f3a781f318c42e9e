"""Trains both versions of the digits model and picks the samples. Run it as `python train.py`.

Writes v1/digits.pt, v2/digits.pt and samples.json next to itself, and prints the held-out accuracy of each version.
"""

import importlib.util
import json
import re
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from torch.nn import functional

HERE = Path(__file__).parent
HELD_OUT = 360
EPOCHS = {"v1": 10, "v2": 40}


def new_model(version):
    spec = importlib.util.spec_from_file_location(f"{version}_model", HERE / version / "model.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Digits()


def train(version, images, labels):
    torch.manual_seed(0)
    model = new_model(version)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.002)
    model.train()
    for _ in range(EPOCHS[version]):
        for batch in torch.randperm(len(images)).split(32):
            optimizer.zero_grad()
            functional.cross_entropy(model(images[batch]), labels[batch]).backward()
            optimizer.step()
    return model.eval()


def pick_samples(labels, answers):
    """The first image of each digit that all versions read right, then up to four that the versions read differently."""
    right = torch.stack([answer == labels for answer in answers.values()]).all(dim=0)
    differ = torch.stack([answer != answers["v1"] for answer in answers.values()]).any(dim=0)
    digits = [int((right & (labels == digit)).nonzero()[0]) for digit in range(10)]
    return digits + differ.nonzero().flatten()[:4].tolist()


def readable(samples):
    """JSON with each row of an image on one line, so that the digits can be seen in the file."""
    numbers = re.compile(r"\[\s*(\d+(?:,\s*\d+)*)\s*\]")
    return numbers.sub(lambda row: f"[{' '.join(row[1].split())}]", json.dumps(samples, indent=4)) + "\n"


def main():
    # The sum of many floats depends on how threads share it: with one thread the same machine gives the same weights.
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)

    digits = load_digits()
    pixels = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1)
    labels = torch.tensor(digits.target)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    held_out, rest = order[:HELD_OUT], order[HELD_OUT:]

    answers = {}
    for version in EPOCHS:
        model = train(version, pixels[rest] / 16, labels[rest])
        torch.save(model.state_dict(), HERE / version / "digits.pt")
        with torch.no_grad():
            answers[version] = model(pixels[held_out] / 16).argmax(dim=1)
        accuracy = (answers[version] == labels[held_out]).float().mean().item()
        print(f"{version}: {accuracy:.1%} of {HELD_OUT} held-out images right")

    picked = pick_samples(labels[held_out], answers)
    samples = {
        "request": {"instances": [{"data": pixels[held_out][i].squeeze(0).int().tolist()} for i in picked]},
        "labels": labels[held_out][picked].tolist(),
        "answers": {version: answer[picked].tolist() for version, answer in answers.items()},
    }
    (HERE / "samples.json").write_text(readable(samples))


if __name__ == "__main__":
    main()
