"""Whatever is done to two stores of different backends, they say the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from failbot.errors import FailbotError
from failbot.models import Access, ExpectedQuestion, Feedback, QuestionOrigin, Verdict, Viewer
from failbot.search.values import Candidate, Embedding, Expected
from failbot.store.base import Store
from failbot.store.embedding import ActiveModel, Unembedded
from failbot.store.sqlite import SqliteStore
from tests.conftest import NOW
from tests.make import ANA, BEN, direct, draft, embedding, private, public, viewer
from tests.memory_store import MemoryStore

TEAMS = ("T1", "T2")
PLACES = [place(team_id=team) for team in TEAMS for place in (public, private, direct)]
PLACES += [replace(private("C0ML", team_id=team), is_unsure=True) for team in TEAMS]
VIEWERS = [
    viewer(user_id, *channels, team_id=team, **more)
    for team in TEAMS
    for user_id, channels in ((ANA, ()), (BEN, ("G0SECRET",)), ("", ("G0SECRET",)))
    for more in ({}, {"sees_workspace": False}, {"is_operator": True})
]
WORDS = ["alpha", "beta", "gamma", "GradScaler", "3e-4", "the"]
TEXTS = st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join)
DRAFTS = st.builds(
    draft,
    TEXTS,
    title=TEXTS,
    lesson=TEXTS,
    tags=st.lists(st.sampled_from(["nan", "fp16"]), max_size=2).map(tuple),
    external_id=st.sampled_from(["", "", "", "run-1", "run-2"]),
)
ASKED_LIKE = st.lists(
    st.builds(
        ExpectedQuestion,
        text=TEXTS,
        origin=st.sampled_from(QuestionOrigin),
        by=st.sampled_from([ANA, BEN]),
        at=st.just(NOW),
    ),
    max_size=3,
)
MODELS = st.sampled_from(["toy", "other"])
NUMBERS = st.integers(1, 6)
WHO = st.sampled_from(VIEWERS)
LONG_AGO, LATER = NOW - timedelta(days=1), NOW + timedelta(days=1)


class TwoStores(RuleBasedStateMachine):
    """Each rule does one thing to both, and compares what they answered, refusals included."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.stores: tuple[Store, Store] = (
            SqliteStore(Path(self.folder.name) / "failbot.db"),
            MemoryStore(),
        )
        self.seconds = 0
        self.directions = 0

    def teardown(self) -> None:
        for store in self.stores:
            store.close()
        self.folder.cleanup()

    def now(self) -> Any:
        self.seconds += 1
        return NOW + timedelta(seconds=self.seconds)

    def both(self, part: str, method: str, *given: Any, **named: Any) -> Any:
        """What both answered: equal, or both refused with the same kind of error."""
        said = [_said(store, part, method, *given, **named) for store in self.stores]
        assert said[0] == said[1], (part, method, given, named)
        return said[0]

    @rule(
        draft=DRAFTS,
        place=st.sampled_from(PLACES),
        author_id=st.sampled_from([ANA, BEN]),
        source=st.sampled_from(["", "", "view:1", "view:2"]),
        expected=ASKED_LIKE,
    )
    def record(self, **given: Any) -> None:
        self.both("failures", "record", given.pop("draft"), **given, now=self.now())

    @rule(drafts=st.lists(DRAFTS, max_size=3), place=st.sampled_from(PLACES), like=ASKED_LIKE)
    def record_many(self, drafts: Any, place: Any, like: Any) -> None:
        more = {"place": place, "author_id": ANA, "now": self.now()}
        expected = [like] * len(drafts)
        self.both("failures", "record_many", drafts, expected=expected, **more)

    @rule(number=NUMBERS, who=WHO, like=ASKED_LIKE, adds=st.booleans())
    def ask_like(self, number: int, who: Viewer, like: Any, adds: bool) -> None:
        """Adds some, or takes them in place of those that are there."""

        def change(before: Any) -> Any:
            return (*(before if adds else ()), *like)[:4]

        self.both("expected", "change", number, change, viewer=who)

    @rule(number=NUMBERS, draft=DRAFTS, who=WHO)
    def revise(self, number: int, draft: Any, who: Viewer) -> None:
        self.both("failures", "revise", number, draft, viewer=who, by=BEN, now=self.now())

    @rule(number=NUMBERS, who=WHO)
    def delete(self, number: int, who: Viewer) -> None:
        self.both("failures", "delete", number, viewer=who)

    @rule(number=NUMBERS, team_id=st.sampled_from(TEAMS))
    def set_card(self, number: int, team_id: str) -> None:
        self.both("failures", "set_card", number, team_id=team_id, message_ts=f"1.{self.seconds}")

    @rule(team_id=st.sampled_from(["T1", "T3"]), source=st.sampled_from(["T2", "T3"]))
    def adopt(self, team_id: str, source: str) -> None:
        self.both("failures", "adopt", team_id, source_team_id=source)

    @rule(
        place=st.sampled_from(PLACES),
        access=st.sampled_from(Access),
    )
    def follow(self, place: Any, access: Access) -> None:
        """What Slack may say of a channel."""
        self.both("visibilities", "follow", place.channel_id, access, team_id=place.team_id)

    @rule(number=NUMBERS, team_id=st.sampled_from(TEAMS), author_id=st.sampled_from([ANA, BEN]))
    def publish(self, number: int, **whose: str) -> None:
        self.both("visibilities", "publish", number, **whose)

    @rule(place=st.sampled_from(PLACES))
    def detach(self, place: Any) -> None:
        self.both("visibilities", "detach", place.channel_id, team_id=place.team_id)

    @rule(model=MODELS, limit=st.integers(1, 9))
    def embed(self, model: str, limit: int) -> None:
        """The same made-up vectors, none twice."""
        made = []
        for store in self.stores:
            missing = store.embeddings.missing(model, limit=limit)
            vectors = [(one, _made(one, self.directions + at)) for at, one in enumerate(missing)]
            store.embeddings.put(model, vectors)
            made.append(
                [(one.draft, one.version, one.questions, one.expected_version) for one in missing]
            )
        assert made[0] == made[1]
        self.directions += len(made[0])

    @rule(model=MODELS)
    def activate(self, model: str) -> None:
        self.both("embeddings", "activate", ActiveModel(name=model, setting=model))

    @rule(
        text=TEXTS,
        place=st.sampled_from(PLACES),
        user_id=st.sampled_from([ANA, BEN]),
        message_ts=st.sampled_from(["", "17.1", "17.2"]),
        verdict=st.sampled_from(list(Verdict)),
    )
    def keep_question(self, text: str, **given: Any) -> None:
        said = [
            store.questions.keep(text, **given, shown=[1], now=NOW).asked_at
            for store in self.stores
        ]
        assert said[0] == said[1]

    @rule(at=st.integers(0, 5), number=NUMBERS, helped=st.booleans(), who=WHO)
    def give_feedback(self, at: int, number: int, helped: bool, who: Viewer) -> None:
        now, said = self.now(), []
        for store in self.stores:
            asked = _asked(store, who)
            if at < len(asked):
                word = Feedback(
                    question_id=asked[at].id, number=number, user_id=BEN, helped=helped, at=now
                )
                said.append(_answer(store.questions.give_feedback, word, team_id=who.team_id))
        assert len(said) != 1, "a question that one of them does not show"
        assert len(set(said)) <= 1

    @rule(words=TEXTS, who=WHO, by_vector=st.integers(0, 3), by_words=st.integers(0, 3))
    def find(self, words: str, who: Viewer, by_vector: int, by_words: int) -> None:
        """The candidates, with their words and vectors; and full-text search, as a set."""
        limits = {"by_vector": by_vector, "by_words": by_words}
        vector = np.array([np.cos(0.101), np.sin(0.101)], np.float32)
        asked = words.lower().split()
        self.both("search", "candidates", asked, viewer=who, vector=vector, **limits)
        found = self.both("failures", "search", words, viewer=who, limit=50)
        assert len(found) == len({one.number for one in found})

    @invariant()
    def everything_reads_alike(self) -> None:
        """All that is kept, through every read that takes a viewer."""
        self.both("failures", "teams")
        self.both("visibilities", "followed")
        self.both("visibilities", "followed", is_unsure=True)
        for model in ("toy", "other"):
            self.both("embeddings", "progress", model)
            self.both("embeddings", "is_complete", model)
        for team_id in (*TEAMS, "T3"):
            self.both("search", "corpus", team_id)
            self.both("failures", "channels", team_id)
            self.both("failures", "private_channels", team_id)
        for who in VIEWERS:
            self.both("expected", "of", range(1, 50), viewer=who)
            for one in self.both("failures", "newest", viewer=who, limit=50):
                self.both("failures", "versions", one.number, viewer=who)
            self.both("failures", "count", viewer=who, author_id=BEN)
            words = [_words_of(store, who) for store in self.stores]
            assert words[0] == words[1]


def _said(store: Store, part: str, method: str, *given: Any, **named: Any) -> Any:
    answer = _answer(getattr(getattr(store, part), method), *given, **named)
    if part == "search" and method == "candidates":
        return [_plain(one) for one in answer]
    if method == "corpus":
        frequency = {i: int(n) for i, n in enumerate(answer.token_frequency) if n}
        return answer.size, answer.average_length, dict(answer.word_frequency), frequency
    if method == "search":  # SQLite weighs common words otherwise: which, not in which order
        return sorted(answer, key=lambda one: one.number)
    return answer


def _answer(method: Any, *given: Any, **named: Any) -> Any:
    try:
        return method(*given, **named)
    except FailbotError as error:
        return type(error)


def _plain(one: Candidate) -> Any:
    made = one.embedding
    arrays = made and [made.vectors.tolist(), made.tokens.tolist()]
    beside = made and made.expected
    like = beside and [beside.vectors.tolist(), beside.tokens.tolist(), beside.lengths.tolist()]
    return one.number, one.words, arrays, like


def _made(one: Unembedded, at: int) -> Embedding:
    """In a direction of its own; its expected questions a little beside, one after another."""
    own = embedding(np.cos(at / 50), np.sin(at / 50))
    if not one.questions:
        return own
    angles = at / 50 + 0.7 * np.arange(1, len(one.questions) + 1)
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    beside = Expected(
        vectors=vectors.astype(np.float16),
        tokens=np.round(vectors * 127).astype(np.int8),
        token_ids=np.arange(len(vectors), dtype=np.int32),
        lengths=np.ones(len(vectors), np.int32),
    )
    return replace(own, expected=beside)


def _asked(store: Store, who: Viewer) -> Any:
    return store.questions.asked(viewer=who, since=LONG_AGO, before=LATER)


def _words_of(store: Store, who: Viewer) -> Any:
    """Questions and feedback without the ids, which are the store's own."""
    asked = _asked(store, who)
    said = store.questions.feedback(viewer=who, since=LONG_AGO, before=LATER)
    return (
        [(one.text, one.place, one.user_id, one.verdict, one.message_ts) for one in asked],
        [(one.number, one.user_id, one.helped, one.at) for one in said],
    )


TwoStores.TestCase.settings = settings(max_examples=15, stateful_step_count=30, deadline=None)


class TestAgreement(TwoStores.TestCase):  # type: ignore[misc, name-defined]
    """Two backends, one contract."""
