"""Memories of any size, recombined from the sample failures; vectors are of real texts, shaken."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import numpy as np

from failbot.encoder import Encoder, Encoding
from failbot.memory.embedding import telling
from failbot.models import Draft, Explanation, Place, Visibility
from failbot.search.passages import text_of
from failbot.search.signals import quantise
from failbot.search.values import Embedding
from failbot.store.embedding import ActiveModel
from failbot.store.sqlite import SqliteStore

TEAM = "local"
PLACE = Place(team_id=TEAM, channel_id="", visibility=Visibility.WORKSPACE)
REAL = 512  # texts that are encoded; the others' vectors are these, shaken
NOISE = 0.05  # length of what is added to a unit vector of 384 components, each
BATCH = 1_000
QUESTION = (
    "we moved the training job to the new cluster and since then the validation loss jumps after"
    " every checkpoint restart although the seed, the data order and the learning rate are equal"
)


def samples() -> list[dict[str, str]]:
    """The failures that the package carries."""
    lines = (files("failbot") / "samples" / "failures.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def drafts(count: int) -> Iterator[Draft]:
    """Entries whose fields come from different sample failures each; the same at every run."""
    chances, rows = random.Random(0), samples()
    for _ in range(count):
        title, tried, happened, why, lesson = (
            chances.choice(rows)[name] for name in ("title", "tried", "happened", "why", "lesson")
        )
        yield Draft(
            title=title,
            tried=tried,
            happened=happened,
            explanations=(Explanation(text=why),),
            lesson=lesson,
        )


def questions(count: int) -> list[str]:
    """Questions of about 30 words, all different."""
    chances, words = random.Random(1), QUESTION.split()
    return [" ".join(chances.sample(words, len(words))) for _ in range(count)]


def vectors(encoder: Encoder, count: int) -> np.ndarray:
    """float32 (count, d), rows L2-normalised, near to those of real texts."""
    real = np.stack([one.sentence for one in _encodings(encoder)])
    chances = np.random.default_rng(0)
    made = real[chances.integers(len(real), size=count)]
    made += NOISE * chances.standard_normal(made.shape, np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def fill(path: Path, count: int, encoder: Encoder) -> None:
    """A database of `count` entries with all that an answer needs."""
    store = SqliteStore(path)
    store.embeddings.activate(ActiveModel(name=encoder.name, setting=encoder.name))
    made = list(drafts(count))
    now = datetime.now(UTC)
    for start in range(0, count, BATCH):
        part = made[start : start + BATCH]
        store.failures.record_many(part, place=PLACE, author_id="U1", now=now)
    shaken, encodings, at = vectors(encoder, count), _encodings(encoder), 0
    while missing := store.embeddings.missing(encoder.name, limit=BATCH):
        rows = range(at, at + len(missing))
        store.embeddings.put(
            encoder.name,
            [
                (one, _embedding(shaken[row], encodings[row % REAL]))
                for one, row in zip(missing, rows, strict=True)
            ],
        )
        at += len(missing)
    store.close()


def _encodings(encoder: Encoder) -> list[Encoding]:
    texts = [text_of(draft) for draft in drafts(REAL)]
    return [telling(one, text) for one, text in zip(encoder.encode(texts), texts, strict=True)]


def _embedding(vector: np.ndarray, encoding: Encoding) -> Embedding:
    return Embedding(
        vectors=np.stack([vector, vector]),
        tokens=quantise(encoding.tokens),
        token_ids=encoding.token_ids,
        starts=encoding.starts,
    )
