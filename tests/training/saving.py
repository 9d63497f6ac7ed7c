"""The tuned model in sentence-transformers' format, as failbot and anybody else loads it."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path

from safetensors.torch import save_file

from tests.training.model import Reader
from tests.training.recipe import Recipe

WEIGHTS = "model.safetensors"
LEARNED = "learned.json"


def save(reader: Reader, folder: Path, *, start: Path, recipe: Recipe) -> None:
    """Writes the folder: the start model's files with the tuned weights in place of its own."""
    shutil.copytree(start, folder, dirs_exist_ok=True)
    state = {name: one.detach().contiguous() for name, one in reader.bert.state_dict().items()}
    save_file(state, folder / WEIGHTS, metadata={"format": "pt"})
    learned = {"scale": reader.scale, **reader.weights}
    told = {name: round(float(one.detach()), 4) for name, one in learned.items()}
    whole = {"learned": told, "recipe": asdict(recipe)}
    (folder / LEARNED).write_text(json.dumps(whole, indent=2) + "\n", "utf-8")
