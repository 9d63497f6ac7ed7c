"""Teams read from files: entries, labelled questions, and questions expected of an entry."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from failbot.evaluation.reading import Document, Labelled, read_documents, read_questions


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """One team's memory. `expected` holds the questions made from an entry, by its id."""

    name: str
    entries: list[Document]
    questions: list[Labelled]
    expected: dict[str, tuple[str, ...]]


def read_teams(folder: Path) -> list[Team]:
    """Every team below the folder, by name."""
    return [read_team(one) for one in sorted(folder.iterdir()) if is_team(one)]


def is_team(folder: Path) -> bool:
    """Whether it holds entries and questions."""
    return (folder / "failures.jsonl").is_file() and (folder / "queries.jsonl").is_file()


def read_team(folder: Path) -> Team:
    """The team in this folder; expected questions are optional."""
    return Team(
        name=folder.name,
        entries=read_documents(folder / "failures.jsonl"),
        questions=read_questions(folder / "queries.jsonl"),
        expected=read_expected(folder / "expected.jsonl"),
    )


def read_expected(file: Path) -> dict[str, tuple[str, ...]]:
    """Lines of {"id": ..., "questions": [...]}; empty where there is no such file."""
    if not file.is_file():
        return {}
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines() if line.strip()]
    return {row["id"]: tuple(row["questions"]) for row in rows}
