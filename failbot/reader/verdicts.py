"""Verdicts kept by pair of question and entry, whichever of them a ranking brings together.

A recorded request (`tape`) is one question with the very candidates of one run: another encoder, or
another processor, brings others. These files hold what somebody said of a question and of all
entries of a memory. The format is told in `.docs/reader.md`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from failbot.errors import InputError, ReaderError
from failbot.models import Draft
from failbot.reader.base import DEADLINE_S, READ, Judgement, Passage, Reading, Stats

SUFFIX = ".jsonl"
SAID = (Judgement.SAME, Judgement.HELPS)  # all else is "no"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What one file holds: entries by the digest of their text, and what is said of each question.

    `said`: by the question's digest, the judgements of entries' ids; those not named are "no".
    """

    path: Path
    entries: Mapping[str, str]
    said: Mapping[str, Mapping[str, Judgement]]


class Verdicts:
    """A Reader that says what is kept, and calls nobody."""

    def __init__(self, path: Path, *, name: str = "recorded") -> None:
        """:param path: a file, or a folder of files. :raises InputError: one that is none."""
        self.name = name
        self._sheets = [_sheet(one) for one in verdict_files(path)]
        if not self._sheets:
            raise InputError(f"{path} holds no verdicts")
        self._path = path

    def read(
        self,
        question: str,
        passages: Sequence[Passage],
        *,
        is_private: bool = True,
        deadline_s: float = DEADLINE_S,
    ) -> dict[int, Reading]:
        """See Reader.read. :raises InputError: the question, or an entry, was never judged.

        An InputError, which no answer goes on without: figures with holes would deceive.
        """
        chosen = passages[:READ]
        if not chosen:
            return {}
        asked = digest(question)
        sheets = [one for one in self._sheets if asked in one.said]
        return {
            one.number: Reading(judgement=self._judgement(asked, one, sheets)) for one in chosen
        }

    def draft_from(self, text: str, *, is_private: bool = True) -> Draft:
        """:raises ReaderError: nobody is there to write."""
        raise ReaderError("there are kept verdicts alone, and nobody who writes")

    def expected_questions(self, text: str, *, is_private: bool = True) -> tuple[str, ...]:
        """:raises ReaderError: nobody is there to write."""
        raise ReaderError("there are kept verdicts alone, and nobody who writes")

    def stats(self) -> Stats:
        """See Reader.stats: nobody is called."""
        return Stats()

    def _judgement(self, asked: str, passage: Passage, sheets: Sequence[Sheet]) -> Judgement:
        text = digest(passage.text)
        for sheet in sheets:
            if text in sheet.entries:
                return sheet.said[asked].get(sheet.entries[text], Judgement.NO)
        missing = f"entry {text}" if sheets else f"question {asked}"
        raise InputError(
            f"{self._path} holds no verdict on the {missing}: it has changed since, or was never "
            "judged"
        )


def digest(text: str) -> str:
    """What a text is called in these files: 16 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def verdict_files(path: Path) -> list[Path]:
    """The file itself, or a folder's, by name; none where the folder holds recorded requests."""
    if path.is_dir():
        return sorted(path.glob(f"*{SUFFIX}"))
    return [path]


def write_verdicts(
    path: Path,
    *,
    by: str,
    entries: Mapping[str, str],
    said: Mapping[str, Mapping[str, Judgement]],
) -> None:
    """Keeps verdicts: `entries` texts by id, `said` judgements of ids by the question's text."""
    lines: list[dict[str, Any]] = [
        {"by": by, "entries": {name: digest(text) for name, text in entries.items()}}
    ]
    for question, judged in said.items():
        named = {one.value: [name for name, told in judged.items() if told is one] for one in SAID}
        lines.append({"question": digest(question)} | {k: v for k, v in named.items() if v})
    text = "".join(f"{json.dumps(one, ensure_ascii=False)}\n" for one in lines)
    path.write_text(text, encoding="utf-8")


def _sheet(path: Path) -> Sheet:
    try:
        first, *rest = _lines(path)
        entries = {str(text): str(name) for name, text in dict(first["entries"]).items()}
        said = {str(one["question"]): dict(_named(one)) for one in rest}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} holds no verdicts ({type(error).__name__}: {error})") from error
    return Sheet(path=path, entries=entries, said=said)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        yield json.loads(line)


def _named(line: Mapping[str, Any]) -> Iterator[tuple[str, Judgement]]:
    for judgement in SAID:
        for name in line.get(judgement.value, ()):
            yield str(name), judgement
