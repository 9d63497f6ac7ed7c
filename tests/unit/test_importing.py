"""Files become drafts: columns mapped, rows chosen, and what is wrong named by line and field."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failbot.errors import InputError
from failbot.files.importing import Plan, Reading, entry_of, parse_plan, read
from failbot.files.tabular import LINE_LIMIT_BYTES, format_of, rows
from failbot.models import ExplanationStatus
from failbot.taxonomy import Outcome


def reading(text: str | bytes, plan: Plan | None = None, *, format: str = "csv") -> Reading:
    raw = text if isinstance(text, bytes) else text.encode()
    return read(rows(io.BytesIO(raw), format=format), plan or Plan())


def plan(*maps: str, where: Sequence[str] = (), outcome: Sequence[str] = ()) -> Plan:
    return parse_plan(maps, where, outcome)


def complaint(found: Reading) -> str:
    return "; ".join(map(str, found.bad))


RUNS = """run\tnote\tscore\tstatus
a1\twarm-up halved\t0.4\tdiscard
a2\tlarger batch\t0.0\tcrash
a3\tbaseline\t0.5\tkeep
"""
RUN_MAP = ("note=title", "note=tried", "status=happened", "score=happened")


def test_the_samples_are_taken_as_they_are() -> None:
    """The sample file needs no map: `id` is the external id and `why` an explanation."""
    found = reading((files("failbot") / "samples" / "failures.jsonl").read_bytes(), format="jsonl")
    assert (len(found.entries), found.bad, found.warnings) == (218, (), ())
    first = found.entries[0].draft
    assert first.external_id == "F001"
    assert first.explanations[0].text == "Trained to sound scientific with no check of truth."
    assert first.explanations[0].status is ExplanationStatus.OPEN
    assert first.tags == ("hallucination", "launch", "llm")


def test_several_columns_of_one_field_are_named() -> None:
    """Where one field has several sources each line says which it is; a single one stands bare."""
    first = reading(RUNS, plan(*RUN_MAP), format="tsv").drafts[0]
    assert first.tried == "warm-up halved"
    assert first.happened == "status: discard\nscore: 0.4"


def test_long_title_is_cut_where_another_field_has_it_whole() -> None:
    """A column that feeds title and tried loses nothing by a short title."""
    note = "lowered the rate. " + "then waited for a very long time " * 20
    first = reading(f"note,res\n{note},worse\n", plan("note=title", "note=tried", "res=happened"))
    assert first.drafts[0].title == "lowered the rate"
    assert first.drafts[0].tried == note.strip()


def test_where_keeps_and_excludes_rows() -> None:
    """Two values of a column are alternatives; != excludes."""
    both = plan(*RUN_MAP, where=["status=discard", "status=crash"])
    assert [one.title for one in reading(RUNS, both, format="tsv").drafts] == [
        "warm-up halved",
        "larger batch",
    ]
    rest = reading(RUNS, plan(*RUN_MAP, where=["status!=crash"]), format="tsv")
    assert (len(rest.entries), rest.left_out) == (2, 1)


def test_outcome_words_are_translated() -> None:
    """A file's own words become outcomes; * stands for all others and nothing for none."""
    words = plan(*RUN_MAP, "status=outcome", outcome=["discard=no effect", "*="])
    found = reading(RUNS, words, format="tsv")
    assert [one.outcome for one in found.drafts] == [Outcome.NO_EFFECT, None, None]


def test_unknown_outcome_names_the_known_ones() -> None:
    """Without a translation the line is refused with the words that would be taken."""
    found = reading(RUNS, plan(*RUN_MAP, "status=outcome"), format="tsv")
    assert complaint(found).startswith("line 2: outcome: 'discard' is none of: no effect, worse")


def test_cells_beyond_the_header_are_kept() -> None:
    """A row that is too wide loses nothing, and a warning says so."""
    found = reading("a\tb\nx\ty\tz\tw\n", plan("a=tried", "b=happened"), format="tsv")
    assert found.drafts[0].happened == "y | z | w"
    assert "1 rows have more cells than the header" in found.warnings[0]
    assert "(lines 2)" in found.warnings[0]


def test_equal_rows_keep_apart_and_the_same_file_gives_the_same_ids() -> None:
    """Derived ids depend on content and on how often it came, and on nothing else."""
    text = "tried,happened\na,b\na,b\nc,d\n"
    ids = [one.external_id for one in reading(text).drafts]
    assert len(set(ids)) == 3
    assert ids == [one.external_id for one in reading(text).drafts]


def test_derived_id_does_not_depend_on_the_map() -> None:
    """A second import with another map finds the same entries."""
    one = reading(RUNS, plan(*RUN_MAP), format="tsv").drafts
    other = reading(RUNS, plan("note=tried", "status=happened"), format="tsv").drafts
    assert [draft.external_id for draft in one] == [draft.external_id for draft in other]


def test_one_external_id_for_two_things_is_refused() -> None:
    """Otherwise the second would be taken for the first and lost."""
    found = reading("id,tried,happened\nA,x,y\nA,x,y\nA,x,z\n")
    assert complaint(found) == "line 4: external_id: 'A' is line 2's; each needs its own"


def test_every_bad_line_is_named_with_its_field() -> None:
    """The whole file is read before anything is said."""
    found = reading("tried,happened,links\n,y,\nx,y,nonsense\nx,,\n")
    assert [(bad.line, bad.field) for bad in found.bad] == [
        (2, "tried"),
        (3, "links"),
        (4, "happened"),
    ]


def test_line_numbers_count_line_breaks_in_quotes() -> None:
    """A line number is the file's, as an editor shows it, not the row's."""
    found = reading('tried,happened\n"a\nb",c\n,d\n')
    assert found.bad[0].line == 4


def test_columns_without_a_field_are_named() -> None:
    """What is not imported is said."""
    assert reading("tried,happened,gpu\na,b,c\n").warnings == (
        "not imported, since no --map names them: gpu",
    )


@pytest.mark.parametrize(
    ("text", "format", "words"),
    [
        (b"tried,happened\ncaf\xe9,x\n", "csv", "line 2: byte 4 is not UTF-8"),
        ("tried,happened\na,b\n".encode("utf-16"), "csv", "UTF-16"),
        (b"", "csv", "the file is empty"),
        (b"a,a\n1,2\n", "csv", "the column 'a' occurs twice"),
        (b"x,y\n1,2\n", "csv", "nothing feeds 'tried'"),
        (b'tried,happened\n"a,b\nc,d\n', "csv", "a quote before it may lack its closing one"),
        (b'{"tried": "' + b"a" * LINE_LIMIT_BYTES, "jsonl", "longer than"),
    ],
)
def test_file_that_cannot_be_read_is_refused_as_a_whole(
    text: bytes, format: str, words: str
) -> None:
    """The message says where and what to do."""
    with pytest.raises(InputError, match=words):
        reading(text, format=format)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("[1]", "must be one JSON object"),
        ("{", "not a JSON object on one line"),
        ("[" * 100_000, "nested too deeply"),
        ('{"tried": {"a": 1}, "happened": "x"}', "tried: must be text"),
        ('{"tried": "a", "happened": "b", "tags": [{}]}', "tags: must be text"),
        ('{"tried": "a", "happened": "b", "modes": ["nope"]}', "unknown failure mode"),
        ('{"tried": "a", "happened": "b", "visibility": "author"}', "visibility: the entry is"),
        ('{"tried": "a", "happened": "b", "why": [{"status": "x"}]}', "the status 'x' is none"),
    ],
)
def test_bad_json_line_is_named_and_the_next_is_read(line: str, words: str) -> None:
    """One bad line costs no other."""
    found = reading(line + '\n{"tried": "a", "happened": "b"}\n', format="jsonl")
    assert words in complaint(found)
    assert [entry.line for entry in found.entries] == [2]


def test_byte_order_mark_and_nul_are_dropped() -> None:
    """What spreadsheets put in front, and what no database takes."""
    found = reading(b"\xef\xbb\xbftried,happened\na\x00b,c\n")
    assert found.drafts[0].tried == "ab"


@pytest.mark.parametrize("option", ["tried", "=tried", "a=nowhere"])
def test_map_that_makes_no_sense_is_refused(option: str) -> None:
    """The message lists the fields."""
    with pytest.raises(InputError, match="fields: title, tried"):
        parse_plan([option])


def test_unknown_column_in_a_map_is_refused() -> None:
    """A slip in a column's name is not silently an empty field."""
    with pytest.raises(InputError, match="no column 'nots'; it has: run, note"):
        reading(RUNS, plan("nots=tried", "status=happened"), format="tsv")


@pytest.mark.parametrize(
    ("name", "head", "format"),
    [
        ("a.TSV", b"", "tsv"),
        ("b.ndjson", b"", "jsonl"),
        ("-", b' {"a"', "jsonl"),
        ("-", b"a\tb", "tsv"),
    ],
)
def test_format_comes_from_name_or_first_bytes(name: str, head: bytes, format: str) -> None:
    """Standard input has no name."""
    assert format_of(name, head) == format


def test_object_with_an_unknown_field_is_refused() -> None:
    """A single object is typed by a person: a slip is named."""
    with pytest.raises(InputError, match="unknown field 'tryed'"):
        entry_of({"tryed": "x"})


@given(st.binary(max_size=300), st.sampled_from(["jsonl", "csv", "tsv"]))
def test_any_bytes_are_read_or_refused(raw: bytes, format: str) -> None:
    """Nothing but our own error comes out of a hostile file."""
    try:
        found = reading(b"tried,happened\n" + raw, format=format)
    except InputError:
        return
    assert all(not entry.draft.problems() for entry in found.entries)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda one: st.lists(one) | st.dictionaries(st.text(), one),
)


@given(st.dictionaries(st.sampled_from(["tried", "happened", "why", "tags", "links", "id"]), JSON))
def test_any_object_is_read_or_refused(cells: dict[str, object]) -> None:
    """Values of any type, where text is meant."""
    try:
        found = reading(json.dumps(cells) + "\n", format="jsonl")
    except InputError:
        return
    assert len(found.entries) + len({bad.line for bad in found.bad}) == 1


def test_questions_are_a_list_or_a_line_each() -> None:
    """In JSON with or without their origin, in a table's cell a line each; each text once."""
    row = {"tried": "a", "happened": "b"}
    told = ["why?", {"text": "how?", "origin": "model"}, " ", "why?"]
    found = reading(json.dumps(row | {"questions": told}), format="jsonl")
    assert found.questions == ({"why?": "author", "how?": "model"},)
    table = 'tried,happened,questions\na,b,"why?\n\nhow, then?"\nc,d,\n'
    assert reading(table).questions == ({"why?": "author", "how, then?": "author"}, {})


@pytest.mark.parametrize(
    ("questions", "words"),
    [
        ([{"text": "x", "origin": "oracle"}], "the origin 'oracle' is none of: author, model"),
        ([["x"]], "questions: must be text"),
        (["x" * 301], "has 301 characters; at most 300 fit"),
        ([str(at) for at in range(13)], "has 13 lines; at most 12 fit"),
    ],
)
def test_bad_questions_are_named(questions: list[object], words: str) -> None:
    """By line and field, as everything else."""
    row = {"tried": "a", "happened": "b", "questions": questions}
    assert words in complaint(reading(json.dumps(row), format="jsonl"))
