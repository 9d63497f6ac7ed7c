"""`python -m tests.training --out FOLDER [--teams FOLDER] [--leave-out TEAM]...`"""

from __future__ import annotations

import argparse
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer

from failbot.config import MINILM
from failbot.encoder.weights import find_weights
from tests.training.data import read_teams
from tests.training.fitting import fit
from tests.training.model import Reader
from tests.training.packing import pack
from tests.training.recipe import Recipe
from tests.training.saving import save
from tests.training.texts import Preparation

PACKED = "onnx"  # below the model's folder: what ships
NAME = "failbot-minilm-1"
TEAMS = Path(__file__).parent.parent / "evaluation" / "teams"


def main() -> None:
    """Trains on every team but those left out; writes the model, and its form that ships."""
    options = _options()
    recipe = _recipe(options.set)
    torch.set_num_threads(recipe.threads)
    torch.manual_seed(recipe.seed)
    start = find_weights(MINILM, data_folder=options.out.parent).folder
    teams = [one for one in read_teams(options.teams) if one.name not in options.leave_out]
    tokenizer = Tokenizer.from_file(str(start / "tokenizer.json"))
    preparation = Preparation(tokenizer, longest=recipe.longest)
    reader = Reader(start, recipe)
    fit(reader, [preparation.prepared(one) for one in teams], recipe=recipe, tell=_tell)
    save(reader, options.out, start=start, recipe=recipe)
    pack(options.out, options.out / PACKED, name=options.name)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.training", description=main.__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the folder to write")
    parser.add_argument("--name", default=NAME, help="of the model")
    parser.add_argument("--teams", type=Path, default=TEAMS, help="the teams' folder")
    parser.add_argument("--leave-out", action="append", default=[], help="a team not to see")
    parser.add_argument("--set", action="append", default=[], help="a constant: name=value")
    return parser.parse_args()


def _recipe(settings: list[str]) -> Recipe:
    """The shipped recipe with these constants, name=value, in place of its own."""
    kinds = {name: type(value) for name, value in asdict(Recipe()).items()}
    found: dict[str, Any] = {}
    for name, value in (one.split("=", 1) for one in settings):
        found[name] = value == "True" if kinds[name] is bool else kinds[name](value)
    return replace(Recipe(), **found)


def _tell(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
