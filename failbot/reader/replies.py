"""Reading what a language model wrote: as the schema wants it, or with prose, fences and cuts."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from failbot.reader.base import Judgement, Reading, sentence

REPLY_LIMIT = 200_000  # characters that are looked at
# At the beginning alone: what a model quotes of an entry further on must not end its answer.
THOUGHTS = re.compile(r"\A\s*<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL)
STARTS = re.compile(r"[\[{]")
FAILED_STARTS = 100  # a reply of nothing but brackets would take seconds
ADDRESS = re.compile(r"(?:[a-z][a-z0-9+.-]*://|www\.)\S+", re.IGNORECASE)
_DECODER = json.JSONDecoder(object_pairs_hook=lambda pairs: _object(pairs))


class ReplyError(ValueError):
    """Nothing in the reply can be used."""


def read_readings(reply: str, labels: Collection[str]) -> dict[str, Reading]:
    """The readings in a reply by label, of these labels and no other.

    A label that is judged in two ways is left out, as is one without a judgement.
    :raises ReplyError: none is judged.
    """
    text = THOUGHTS.sub(" ", reply[:REPLY_LIMIT])
    values = list(_values(text))
    pairs = [pair for value in values for pair in _pairs(value)]
    if not any(label in labels for label, _ in pairs):
        pairs = list(_salvaged(text, labels))
    return _agreed(pairs, labels, said=_sentences(values))


def _agreed(
    pairs: Iterable[tuple[str, Any]], labels: Collection[str], *, said: Mapping[str, Any]
) -> dict[str, Reading]:
    """The labels' readings, without those that are judged in two ways. :raises ReplyError: none."""
    found: dict[str, Reading | None] = {}
    for label, told in pairs:
        told = {**said.get(label, {}), "judgement": told} if isinstance(told, str) else told
        reading = _reading(told)
        if reading is None or label not in labels:
            continue
        before = found.get(label, reading)
        agrees = before is not None and before.judgement is reading.judgement
        found[label] = before if agrees else None
    readings = {label: one for label, one in found.items() if one is not None}
    if not readings:
        raise ReplyError("no entry is judged")
    return readings


def first_object(reply: str) -> dict[str, Any]:
    """The first JSON object of a reply. :raises ReplyError: there is none."""
    text = THOUGHTS.sub(" ", reply[:REPLY_LIMIT])
    for value in _values(text):
        if isinstance(value, dict):
            return value
    raise ReplyError("there is no JSON object")


def _pairs(value: Any) -> Iterator[tuple[str, Any]]:
    """From {"judgements": {label: …}}, {label: …}, or a list of objects that name their label."""
    if isinstance(value, dict):
        inner = value.get("judgements", value.get("readings", value))
        if isinstance(inner, dict):
            yield from inner.items()
            return
        value = inner
    if isinstance(value, list):
        for one in value:
            if isinstance(one, dict):
                yield str(one.get("label", "")), one


def _sentences(values: Sequence[Any]) -> dict[str, Any]:
    """What is said beside the judgements, by label; of two sayings on one label the first."""
    said: dict[str, Any] = {}
    for value in values:
        # What was cut off holds its sayings one by one.
        told = value.get("said", [value]) if isinstance(value, dict) else None
        for one in told if isinstance(told, list) else ():
            if isinstance(one, dict):
                said.setdefault(str(one.get("label", "")), one)
    return said


def _salvaged(text: str, labels: Collection[str]) -> Iterator[tuple[str, Any]]:
    """What stands behind each label in JSON that was cut short, or in plain lines."""
    for label in labels:
        for match in re.finditer(rf"\b{re.escape(label)}\b", text):
            rest = text[match.end() :]
            start = re.match(r"[\"'\s]*:\s*(?=\{)", rest)
            told = _decoded(rest, start.end())[0] if start else None
            word = re.match(
                r"[\"'*`\])\s]*[:=–—-]+[\"'*`\s]*(same|helps|no)\b", rest, re.IGNORECASE
            )
            if isinstance(told, dict):
                yield label, told
            elif word:
                yield label, word.group(1)


def _values(text: str) -> Iterator[Any]:
    """Each outermost JSON object or list of the text, in order; what is cut short is passed by."""
    at = failed = 0
    while failed < FAILED_STARTS and (match := STARTS.search(text, at)):
        value, size = _decoded(text, match.start())
        failed += not size
        at = match.start() + max(size, 1)
        if size:
            yield value


def _decoded(text: str, at: int) -> tuple[Any, int]:
    """The JSON value that begins there, and its length; 0 where there is none."""
    try:
        value, end = _DECODER.raw_decode(text, at)
    except (ValueError, RecursionError):
        return None, 0
    return value, end - at


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The pairs as a dict; a key that is there twice with different values is worth nothing."""
    made: dict[str, Any] = {}
    for key, value in pairs:
        made[key] = value if made.get(key, value) == value else None
    return made


def _reading(told: Any) -> Reading | None:
    if not isinstance(told, Mapping):
        return None
    word = str(told.get("judgement", "")).strip().lower()
    if word not in set(Judgement):
        return None
    judgement = Judgement(word)
    if judgement is Judgement.NO:  # it is not shown, so there is nothing to say about it
        return Reading(judgement=judgement)
    return Reading(
        judgement=judgement, matches=_said(told, "matches"), differs=_said(told, "differs")
    )


def _said(told: Mapping[str, Any], name: str) -> str:
    value = told.get(name)
    return sentence(unlinked(value)) if isinstance(value, str) else ""


def unlinked(text: str) -> str:
    """The text without addresses: nobody has seen where they lead."""
    return ADDRESS.sub("[link]", text)
