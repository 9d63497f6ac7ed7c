"""Kept verdicts are said of the pairs that they were given on, and of no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from failbot.errors import InputError, ReaderError
from failbot.reader.base import Judgement, Passage
from failbot.reader.verdicts import Verdicts, write_verdicts
from tests.reader.conftest import QUESTION, passages

FOUND = passages("The loss became NaN.", "The loss stood still.", "The labels were wrong.")
ENTRIES = {name: one.text for name, one in zip("abc", FOUND, strict=True)}
SAID = {QUESTION: {"a": Judgement.SAME, "b": Judgement.HELPS}, "What else?": {}}


def kept(path: Path) -> Path:
    write_verdicts(path, by="somebody", entries=ENTRIES, said=SAID)
    return path


def words(verdicts: Verdicts, question: str, found: list[Passage]) -> list[str]:
    return [one.judgement.value for one in verdicts.read(question, found).values()]


@pytest.mark.parametrize("whole", [True, False])
def test_what_was_said_is_said_again(tmp_path: Path, whole: bool) -> None:
    """Of a file, or of a folder of files; what was not named is a no."""
    file = kept(tmp_path / "team.jsonl")
    verdicts = Verdicts(tmp_path if whole else file)
    assert words(verdicts, QUESTION, FOUND) == ["same", "helps", "no"]
    assert words(verdicts, QUESTION, FOUND[1:]) == ["helps", "no"]  # another ranking's candidates
    assert words(verdicts, "What else?", FOUND) == ["no", "no", "no"]


def test_a_pair_that_was_never_judged_is_named(tmp_path: Path) -> None:
    """A changed question or entry ends the run, rather than leave a hole in its figures."""
    verdicts = Verdicts(kept(tmp_path / "team.jsonl"))
    with pytest.raises(InputError, match=r"no verdict on the question \w{16}"):
        verdicts.read("another", FOUND)
    with pytest.raises(InputError, match=r"no verdict on the entry \w{16}"):
        verdicts.read(QUESTION, passages("changed"))


def test_two_teams_do_not_mix(tmp_path: Path) -> None:
    """The same question to two memories has a verdict in each, on its own entries."""
    kept(tmp_path / "one.jsonl")
    other = passages("The loss became NaN in another team.")
    write_verdicts(
        tmp_path / "two.jsonl", by="somebody", entries={"a": other[0].text}, said={QUESTION: {}}
    )
    assert words(Verdicts(tmp_path), QUESTION, other) == ["no"]
    assert words(Verdicts(tmp_path), QUESTION, FOUND[:1]) == ["same"]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"entries": {}}\n{"same": []}', "\xff"])
def test_a_file_that_is_none_is_named(tmp_path: Path, content: str) -> None:
    """Never taken for silence."""
    path = tmp_path / "team.jsonl"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(InputError, match=f"{path} holds no verdicts"):
        Verdicts(tmp_path)


def test_an_empty_folder_holds_none(tmp_path: Path) -> None:
    """It is no memory on which nothing was said."""
    with pytest.raises(InputError, match="holds no verdicts"):
        Verdicts(tmp_path)


def test_nobody_writes(tmp_path: Path) -> None:
    """Drafts and questions want a model."""
    verdicts = Verdicts(kept(tmp_path / "team.jsonl"))
    for write in (verdicts.draft_from, verdicts.expected_questions):
        with pytest.raises(ReaderError, match="nobody who writes"):
            write("a log")
