"""Each field of a draft is stored, versioned, redacted, searched, exported and imported back.

What is asked here is asked of `fields(Draft)`: a new field is asked too, without a word here.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin

import pytest

from failbot.errors import DraftError
from failbot.fields import about, as_dict, kinds, lists
from failbot.files.exporting import csv_lines, failure_as_dict, json_lines
from failbot.files.importing import Plan, read
from failbot.files.tabular import rows
from failbot.memory.service import Service
from failbot.models import Draft, Recorded
from failbot.search.passages import text_of
from failbot.store.base import Store
from failbot.store.sqlite import SqliteStore
from tests.fakes import NoEncoder
from tests.make import ANA, draft, public, viewer

NAMES = [part.name for part in fields(Draft)]
OPTIONAL = [name for name in NAMES if name not in ("tried", "happened")]
SECRET = "ghp_" + "a1B2" * 9

# Who leaves these lists' company says so here, with a reason.
NOT_REDACTED = {"modes"}  # the names in a closed list
NOT_SEARCHED = {
    *("outcome", "explanations.status", "modes"),  # labels, which make all alike
    *("explanations.evidence", "valid_while", "links", "cost", "external_id"),  # not what happened
}


def leaves(kind: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Every field that holds no others, with the path to it."""
    for part in fields(kind):
        item = one_of(kinds(kind)[part.name])
        if is_dataclass(item):
            yield from leaves(item, f"{before}{part.name}.")
        else:
            yield before + part.name, part


def one_of(kind: Any) -> Any:
    """The type of a list's item, or of what may be missing."""
    if get_origin(kind) is tuple:
        return get_args(kind)[0]
    return get_args(kind)[0] if isinstance(kind, UnionType) else kind


def full(kind: Any, mark: str) -> Any:
    """One whose every field is filled, every text with its name and the mark."""
    return kind(**{name: filled(name, one, mark) for name, one in kinds(kind).items()})


def filled(name: str, kind: Any, mark: str) -> Any:
    if get_origin(kind) is tuple:
        return (filled(name, get_args(kind)[0], mark),)
    if name in CHECKED:
        return CHECKED[name].format(mark)
    kind = one_of(kind)
    if is_dataclass(kind):
        return full(kind, mark)
    return list(kind)[-1] if issubclass(kind, Enum) else f"{name} {mark}"


CHECKED = {"links": "https://a.example/{}", "modes": "eval.noise"}  # not every text is taken
FULL = full(Draft, "mark")


def only(name: str, mark: str = "mark") -> Draft:
    """A draft of which this field alone is filled, beside what must be."""
    return replace(draft(), **{name: getattr(full(Draft, mark), name)})


@pytest.fixture
def service(store: Store) -> Service:
    return Service(store, NoEncoder())


@pytest.mark.parametrize("name", NAMES)
def test_a_field_is_stored_and_read_back(store: Store, now: datetime, name: str) -> None:
    """Of one entry, of several at once, of the newest and of what is to be embedded."""
    store.failures.record(FULL, place=public(), author_id=ANA, now=now)
    kept = store.failures
    found = [
        kept.get(1, viewer=viewer()),
        kept.at([1], viewer=viewer())[1],
        *kept.newest(viewer=viewer(), limit=1),
        *(one.draft for one in store.embeddings.missing("words", limit=1)),
    ]
    assert [getattr(one, name) for one in found] == [getattr(FULL, name)] * 4


@pytest.mark.parametrize("name", NAMES)
def test_a_field_is_versioned(store: Store, now: datetime, name: str) -> None:
    """A change of it alone makes a version, and both say what it was."""
    store.failures.record(draft(), place=public(), author_id=ANA, now=now)
    changed = only(name)
    revised = store.failures.revise(1, changed, viewer=viewer(), by=ANA, now=now)
    assert revised.version == 2
    versions = store.failures.versions(1, viewer=viewer())
    assert [one.draft for one in versions] == [draft(), changed]


@pytest.mark.parametrize("name", OPTIONAL)
def test_a_version_from_before_a_field_is_readable(
    tmp_path: Path, now: datetime, name: str
) -> None:
    """It has the field's default; all else is as it was."""
    store = SqliteStore(tmp_path / "failbot.db")
    store.failures.record(FULL, place=public(), author_id=ANA, now=now)
    with store.connection.write() as db:
        db.execute("UPDATE versions SET draft = json_remove(draft, ?)", [f"$.{name}"])
    [version] = store.failures.versions(1, viewer=viewer())
    assert version.draft == replace(FULL, **{name: getattr(draft(), name)})
    store.close()


@pytest.mark.parametrize("way", ["record", "record_many", "revise"])
@pytest.mark.parametrize("name", NAMES)
def test_a_field_is_redacted_or_opts_out(
    store: Store, service: Service, now: datetime, name: str, way: str
) -> None:
    """However it comes in, its secrets are in no version, and whoever said them is told."""
    said = only(name, SECRET)
    if SECRET not in json.dumps(as_dict(said)):
        assert name in NOT_REDACTED | {"outcome"}, "nobody can type a secret there"
        return
    recorded = _recorded(service, said, way, now)
    assert recorded.redacted == ("github token",)
    kept = [one.draft for one in service.versions(1, viewer=viewer())]
    assert SECRET not in json.dumps([as_dict(one) for one in [recorded.failure.draft(), *kept]])
    assert "redacted" in json.dumps(as_dict(kept[-1]))


def _recorded(service: Service, said: Draft, way: str, now: datetime) -> Recorded:
    whose = {"place": public(), "author_id": ANA, "now": now}
    if way == "record":
        return service.record(said, **whose)
    if way == "record_many":
        return service.record_many([said], **whose).recorded[0]
    service.record(draft(), **whose)
    return service.revise(1, said, viewer=viewer(ANA), is_admin=False, now=now)


def test_only_the_named_fields_opt_out_of_redaction() -> None:
    """A field that leaves the redaction is named in this file, with a reason."""
    assert {name for name, one in leaves(Draft) if not about(one).is_redacted} == NOT_REDACTED


@pytest.mark.parametrize(("name", "part"), list(leaves(Draft)))
def test_a_field_is_searched_or_opts_out(name: str, part: Any) -> None:
    """Its text is in what is embedded and matched, unless it is named in this file."""
    mark = f"{part.name} mark"
    assert (mark in text_of(FULL)) == (name not in NOT_SEARCHED)
    assert about(part).is_searched == (name not in NOT_SEARCHED)


def test_the_text_that_is_embedded_is_as_it_ever_was() -> None:
    """Another order or another stop would make all stored vectors another text's."""
    said = draft("It broke...", title=" Warm-up ", tried="A. B.", lesson="Wait!", tags=("a", "b"))
    said = replace(said, explanations=FULL.explanations * 2)
    assert text_of(said).startswith("Warm-up. A. B. It broke. text mark. text mark. Wait!. ")
    assert text_of(said).endswith("a, b.")
    assert text_of(draft("It broke.", tried="A")) == "A. It broke."


@pytest.mark.parametrize("name", NAMES)
def test_a_field_is_exported_and_imported_back(store: Store, now: datetime, name: str) -> None:
    """A JSON line says it under its name, and gives it back as it was."""
    failure, _ = store.failures.record(FULL, place=public(), author_id=ANA, now=now)
    assert failure_as_dict(failure)[name] == as_dict(FULL)[name]
    lines = "".join(json_lines([failure], {})).encode()
    [back] = read(rows(io.BytesIO(lines), format="jsonl"), Plan()).drafts
    assert getattr(back, name) == getattr(FULL, name)


@pytest.mark.parametrize("name", NAMES)
def test_a_field_has_a_column_in_the_table(store: Store, now: datetime, name: str) -> None:
    """A table holds all of it, but for the evidence of an explanation; so a field is shown."""
    failure, _ = store.failures.record(FULL, place=public(), author_id=ANA, now=now)
    [row] = csv.DictReader(io.StringIO("".join(csv_lines([failure], {})), newline=""))
    said = as_dict(FULL)[name]
    column, text = ("explanation", "text mark") if name == "explanations" else (name, said)
    assert row[column] == (text[0] if name in lists(Draft) and name != "explanations" else text)


def test_ids_that_differ_in_a_secret_alone_are_refused(service: Service, now: datetime) -> None:
    """The second would be taken for the first and lost; nothing is kept, and it is said."""
    ids = [f"run?token={mark * 9}" for mark in ("a1B2", "c3D4")]
    drafts = [draft(external_id=one) for one in ids]
    with pytest.raises(DraftError, match="differ in a secret"):
        service.record_many(drafts, place=public(), author_id=ANA, now=now)
    assert service.count(viewer=viewer()) == 0
    again = service.record_many([drafts[0]] * 2, place=public(), author_id=ANA, now=now).recorded
    assert [one.is_new for one in again] == [True, False]
