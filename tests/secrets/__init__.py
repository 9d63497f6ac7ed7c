"""Realistic secrets, made when they are needed: none stands in the repository.

`tuned.jsonl` is what the rules were written against; `held_out.jsonl` was written before the rules
and put aside until they were done. Each line has the text with `‹S›` where the secret stands, the
secret as a recipe, its kind, and the project whose rules the case is after. In a recipe `‹hex:32›`
draws 32 characters, always the same for the same case; `¦` is nothing, and keeps what is left of a
form from looking like one.
"""

from __future__ import annotations

import json
import random
import re
import string
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from failbot.memory.redact import redact
from failbot.memory.redact.found import MARK

HERE = Path(__file__).parent
SETS = ("tuned", "held_out")
ALPHABETS = {
    "alnum": string.ascii_letters + string.digits,
    "letters": string.ascii_letters,
    "lower": string.ascii_lowercase,
    "low": string.ascii_lowercase + string.digits,
    "digits": string.digits,
    "hex": "0123456789abcdef",
    "HEX": "0123456789ABCDEF",
    "UP": string.ascii_uppercase + string.digits,
    "b32": string.ascii_uppercase + "234567",
    "b64": string.ascii_letters + string.digits + "+/",
    "url": string.ascii_letters + string.digits + "-_",
    "age": "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
}
WORDS = [
    "amber",
    "basil",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "grove",
    "hazel",
    "ivory",
    "jolly",
    "koala",
    "lemon",
    "mango",
]
RECIPE = re.compile(r"‹([A-Za-z0-9]+):(\d+)›")
LEFT = 8  # characters in a row that must not be left of a secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One text that someone might paste, and the secret in it."""

    text: str
    secret: str
    kind: str
    source: str


def cases(name: str) -> Iterator[Case]:
    """The cases of one set, each secret drawn from its line's own seed."""
    for number, line in enumerate((HERE / f"{name}.jsonl").read_text("utf-8").splitlines()):
        yield _made(json.loads(line), random.Random(f"{name} {number}"))


def _made(row: dict[str, str], rng: random.Random) -> Case:
    secret = _drawn(row["secret"], rng)
    text = _drawn(row["text"], rng)
    text = re.sub(r"‹S/(\d+)›", lambda cut: _wrapped(secret, int(cut[1])), text)
    return Case(
        text=text.replace("‹S›", secret), secret=secret, kind=row["kind"], source=row["source"]
    )


def _drawn(recipe: str, rng: random.Random) -> str:
    return RECIPE.sub(lambda one: _body(one[1], int(one[2]), rng), recipe).replace("¦", "")


def _body(name: str, size: int, rng: random.Random) -> str:
    if name == "uuid":
        return str(uuid.UUID(int=rng.getrandbits(128), version=4))
    if name == "words":
        return "".join(rng.choices(WORDS, k=size))
    if name == "pw":
        return _password(size, rng)
    return "".join(rng.choices(ALPHABETS[name], k=size))


def _password(size: int, rng: random.Random) -> str:
    """As people choose them: a word or two, digits, a sign."""
    sign = rng.choice("!$*-_.+")
    digits = "".join(rng.choices(string.digits, k=max(2, size // 4)))
    letters = "".join(rng.choices(string.ascii_lowercase, k=size - len(digits) - 1))
    return letters.capitalize() + sign + digits if rng.random() < 0.5 else letters + digits + sign


def _wrapped(secret: str, width: int) -> str:
    return "\n".join(secret[at : at + width] for at in range(0, len(secret), width))


def is_caught(case: Case) -> bool:
    """Whether nothing of the secret that is worth having is left, and a kind was told."""
    left, kinds = redact(case.text)
    squeezed = "".join(MARK.sub("", left).split())
    return bool(kinds) and not any(piece in squeezed for piece in _windows(case.secret))


def _windows(secret: str) -> Iterator[str]:
    for line in re.split(r"[\s>]+|\\n", secret):
        size = min(LEFT, len(line))
        if size >= 4:
            yield from (line[at : at + size] for at in range(len(line) - size + 1))


def lookalikes() -> list[str]:
    """What is no secret and looks like one; each line three times, drawn anew."""
    lines = (HERE / "lookalikes.txt").read_text("utf-8").splitlines()
    drawn = [
        _drawn(line, random.Random(f"{number} {turn}"))
        for number, line in enumerate(lines)
        for turn in range(3)
    ]
    return [text.replace("\\n", "\n").replace("\\t", "\t") for text in drawn]


def real_texts() -> list[str]:
    """All texts of the sample memory and of the teams', which people or a model wrote."""
    root = HERE.parents[1]
    files = [root / "failbot/samples/failures.jsonl"]
    files += sorted((root / "tests/evaluation/teams").rglob("*.jsonl"))
    return [text for file in files for text in texts_of(file)]


def texts_of(file: Path) -> list[str]:
    """Every text in a file of JSON lines, every line of another one."""
    lines = file.read_text("utf-8", errors="replace").splitlines()
    if file.suffix == ".jsonl":
        return [text for line in lines for text in _texts(json.loads(line))]
    return lines


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def touched(texts: list[str]) -> list[tuple[str, tuple[str, ...]]]:
    """The texts that something was taken out of, with the kinds."""
    return [(text, kinds) for text in texts if (kinds := redact(text)[1])]
