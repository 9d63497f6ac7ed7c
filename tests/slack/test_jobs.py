"""What workers do with a job, alone: no server, no thread; the store is the one in memory."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue
from threading import Thread
from threading import enumerate as enumerate_threads
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError

from failbot.errors import ModelError, SlackError, StoppedError, StoreError, TakenOverError
from failbot.memory.service import Service
from failbot.models import Digest, Failure, Pattern, Place, Schedule
from failbot.search.calibration import Calibration
from failbot.slack.bot import Bot
from failbot.slack.events import QUESTION, Asked
from failbot.slack.jobs.delivery import (
    ANSWER,
    CARD,
    NOTE,
    Mark,
    card_links,
    error_code,
    find_posted,
    is_final,
    post,
    retry_after_s,
    update,
    whisper,
)
from failbot.slack.jobs.digesting import audience_of, publish
from failbot.slack.jobs.handlers import (
    SHOW_CARD,
    Shown,
    answer_question,
    apologize,
)
from failbot.slack.jobs.kinds import HANDLERS
from failbot.slack.jobs.worker import Bells, Workers
from failbot.slack.places import Places
from failbot.slack.views.blocks import notice
from failbot.store.base import Claim, Job
from failbot.threads import Stop
from tests.conftest import NOW
from tests.fakes import WordEncoder, WordReader
from tests.make import ANA, BEN, direct, draft, failure, private, public, viewer
from tests.memory_store import MemoryStore
from tests.slack.conftest import Clock, ReadySource
from tests.slack.fake_slack import FakeSlack, refusal

NAN = "The loss became NaN at step 900 with fp16 gradients."
LESS_LIKE = "The loss became NaN in a run of last year, for which nobody kept the settings."
ASKED = "loss became NaN step 900 fp16 gradients"
# Tells hits apart that the shipped one is equally sure of: the more words in common, the surer.
MILD = Calibration(
    model="words",
    intercept=-3.0,
    coefficients={"late_interaction": 6.0},
    floor=0.3,
    known=0.5,
    related=0.2,
    questions=9,
)


class Source(ReadySource):
    """A model that is there, or cannot be used; it knows how long it was waited for."""

    error: Exception | None = None

    def __init__(self, encoder: WordEncoder | None) -> None:
        super().__init__(encoder)
        self.waited: list[float | None] = []

    def wait(self, timeout_s: float | None) -> Any:
        self.waited.append(timeout_s)
        if self.error is not None:
            raise self.error
        return super().wait(timeout_s)


@dataclass
class Bench:
    """A bot whose clock stands still until a test moves it."""

    slack: FakeSlack = field(default_factory=FakeSlack)
    store: MemoryStore = field(default_factory=MemoryStore)
    now: datetime = NOW
    encoder: WordEncoder | None = field(default_factory=WordEncoder)
    stop: Stop = field(default_factory=Stop)

    def __post_init__(self) -> None:
        self.source = Source(self.encoder)
        self.service = Service(self.store, self.source)
        self.places = Places(
            self.slack,  # type: ignore[arg-type]
            self.service,
            clock=Clock(),
            stop=self.stop,
        )
        self.bot = Bot(
            service=self.service,
            inbox=self.store.inbox,
            outbox=self.store.outbox,
            shown=self.store.shown,
            places=self.places,
            client_for={"T1": self.slack}.__getitem__,  # type: ignore[arg-type]
            now=lambda: self.now,
            knock=lambda _: None,
        )
        self.apologies: list[str] = []

    def read_with(self, reader: WordReader) -> None:
        """From now on a language model has its say."""
        self.service = Service(self.store, self.source, reader=reader)
        self.bot = replace(self.bot, service=self.service)

    def log(self, happened: str, **more: Any) -> Failure:
        place = more.pop("place", public())
        said = draft(happened, **more)
        return self.service.record(said, place=place, author_id=ANA, now=self.now).failure

    def job(self, kind: str, payload: dict[str, Any], **more: Any) -> Job:
        """The job, held by this process at its `attempts`th attempt."""
        attempts = more.pop("attempts", 1)
        self.store.inbox.add(kind, payload, team_id="T1", keys=[], now=self.now)
        for _ in range(attempts - 1):
            self.store.inbox.claim(now=self.now, lease_s=0, only={kind})
        job = self.store.inbox.claim(now=self.now, lease_s=60, only={kind})
        assert job is not None
        return job

    def ask(self, text: str = ASKED, *, channel_id: str = "C0ML", **more: Any) -> None:
        """As if `text` had just been written, by someone who is in the private channel, too."""
        attempts = more.pop("attempts", 1)
        facts = {"user_id": BEN, "message_ts": "1600000000.000100"} | more
        asked = Asked(team_id="T1", channel_id=channel_id, text=text, **facts)
        answer_question(self.bot, self.job(QUESTION, asdict(asked), attempts=attempts))

    def claim(self, week: str) -> Claim:
        """The right to post that week's digest, after whoever had it before."""
        where = {"team_id": "T1", "channel_id": "C0ML", "week": week}
        claim = self.store.digests.claim(**where, now=self.now, lease_s=300)
        while claim is None:
            self.pass_s(300)
            claim = self.store.digests.claim(**where, now=self.now, lease_s=300)
        return claim

    def show(self, one: Failure, *, attempts: int = 1, **more: Any) -> None:
        facts: dict[str, Any] = {"user_id": ANA, "is_new": True, "posts_card": True, "secrets": []}
        shown = Shown(
            number=one.number,
            entry_channel_id=one.channel_id,
            **{"channel_id": one.channel_id} | facts | more,
        )
        HANDLERS[SHOW_CARD](self.bot, self.job(SHOW_CARD, asdict(shown), attempts=attempts))

    def said(self, channel_id: str = "C0ML") -> list[str]:
        return [str(one) for one in self.slack.messages.get(channel_id, [])]

    def workers(self, **deeds: Callable[[Bot, Job], None]) -> Workers:
        def note(_: Bot, job: Job, reference: str) -> None:
            self.apologies.append(reference)

        return Workers(self.bot, deeds, apologize=note, bells=Bells(), stop=self.stop)

    def add(self, kind: str = "deed", **payload: object) -> None:
        self.store.inbox.add(kind, payload, team_id="T1", keys=[], now=self.now)

    def pass_s(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.places.close()


def raising(*errors: Exception) -> Callable[[Bot, Job], None]:
    """A deed that fails in these ways, one after the other, then succeeds."""
    left = list(errors)

    def deed(_: Bot, job: Job) -> None:
        if left:
            raise left.pop(0)

    return deed


# Answers


def test_an_answer_quotes_the_sentence_that_matches(bench: Bench) -> None:
    """Not the first one, and as a quotation of its own."""
    bench.log(f"It ran for an hour. {NAN} Nobody noticed before the weekend.")
    bench.ask()
    assert f"\\n>{NAN}" in bench.said()[0]


def test_only_the_hits_that_are_shown_are_quoted(bench: Bench) -> None:
    """The first three, each by its own words."""
    for number in range(5):
        bench.log(f"Run {number} went on. {NAN[:-1]} in run {number}.")
    bench.ask()
    answer = bench.said()[0]
    assert len(set(re.findall(r"in run (\d)", answer))) == 3
    assert answer.count("\\n>") == answer.count("That's it") == 3


def test_what_only_the_asker_may_see_is_shown_if_it_is_better(bench: Bench) -> None:
    """In the thread, to them alone, under the number that feedback needs."""
    bench.store.calibrations.keep(MILD, team_id="T1", now=NOW)
    bench.log(LESS_LIKE)
    bench.log(NAN, place=private())
    bench.ask()
    assert [whispered["user"] for whispered in bench.slack.whispers] == [BEN]
    assert bench.slack.whispers[0]["thread_ts"] == "1600000000.000100"
    assert "F-2" in str(bench.slack.whispers[0])
    everyone = bench.places.audience_of(public())
    kept = bench.store.questions.asked(viewer=everyone, since=NOW, before=NOW + timedelta(days=1))
    assert f"'helped-{kept[0].id}-2'" in str(bench.slack.whispers[0])
    assert "F-1" not in str(bench.slack.whispers[0])
    assert "F-2" not in bench.said()[0]


def test_what_only_the_asker_may_see_is_not_shown_if_it_is_worse(bench: Bench) -> None:
    """Everybody's answer says more: a second message would only be noise."""
    bench.store.calibrations.keep(MILD, team_id="T1", now=NOW)
    bench.log(NAN)
    bench.log(LESS_LIKE, place=private())
    seen = bench.service.ask(ASKED, viewer=bench.places.viewer_for("T1", BEN)).shown()
    assert [hit.failure.number for hit in seen] == [1, 2], "it would be shown for itself"
    bench.ask()
    assert "F-1" in bench.said()[0]
    assert bench.slack.whispers == []


def test_an_outsider_is_answered_with_a_refusal(bench: Bench) -> None:
    """Said in the thread, in words, and no question is kept."""
    bench.slack.people["U0GUS"] = {"team_id": "T2"}
    bench.log(NAN)
    bench.ask(user_id="U0GUS")
    assert "members of this workspace" in bench.said()[0]
    assert "F-1" not in bench.said()[0]
    everyone = bench.places.audience_of(public())
    assert bench.store.questions.asked(viewer=everyone, since=NOW, before=NOW.max) == []


def test_a_store_that_does_not_answer_is_no_answer(bench: Bench) -> None:
    """The job goes on waiting instead of an apology in the thread."""
    bench.store.close()
    with pytest.raises(StoreError):
        bench.ask()
    assert bench.said() == []


@pytest.mark.parametrize("text", ["help", "Help!", "help me", "<@U0BOT> help"])
def test_who_asks_for_help_gets_it(bench: Bench, text: str) -> None:
    """In one word or two; nothing is looked up for it."""
    bench.log("Please help me, help, they said.")
    bench.ask(text)
    assert "how to use failbot" in bench.said()[0]


@pytest.mark.parametrize("text", ["help, my loss", "helpless", "no help"])
def test_a_problem_that_mentions_help_is_a_question(bench: Bench, text: str) -> None:
    """Only a word for itself asks for the manual."""
    bench.ask(text)
    assert "how to use failbot" not in bench.said()[0]


def test_an_answer_that_may_be_posted_is_looked_for_first(bench: Bench) -> None:
    """A second attempt finds it, however many messages came after it in the thread."""
    first = bench.slack.said("C0ML", ASKED)
    bench.log(NAN)
    for number in range(3):
        bench.slack.said("C0ML", f"and {number}", thread_ts=first)
    bench.ask(message_ts=first)
    bench.slack.said("C0ML", "and so on", thread_ts=first)
    bench.ask(message_ts=first, attempts=2)
    assert sum(ANSWER in one for one in bench.said()) == 1
    second = bench.slack.said("C0ML", ASKED, thread_ts=first)
    bench.ask(message_ts=second, thread_ts=first, attempts=2)
    assert sum(ANSWER in one for one in bench.said()) == 2, "another question has its own answer"


def test_a_first_attempt_looks_for_nothing(bench: Bench) -> None:
    """Slack limits how often one may look."""
    bench.log(NAN)
    bench.ask()
    assert "conversations.replies" not in bench.slack.calls


def test_a_reply_stays_in_its_thread(bench: Bench) -> None:
    """A question inside a thread is answered there, not under itself."""
    first = bench.slack.said("C0ML", "look at this")
    bench.ask("other loss", message_ts="1600000000.000200", thread_ts=first)
    assert bench.slack.messages["C0ML"][-1]["thread_ts"] == first


def test_a_bare_mention_asks_what_the_thread_began_with(bench: Bench) -> None:
    """But never what failbot itself wrote there, and a thread that is gone gets help."""
    bench.log(NAN)
    first = bench.slack.said("C0ML", ASKED)
    bench.slack.said("C0ML", "something else", thread_ts=first)
    bench.ask("<@U0BOT>", message_ts="1600000000.000200", thread_ts=first)
    assert NAN in bench.said()[-1]
    ours = bench.slack.said("C0ML", ASKED, metadata={"event_type": "failbot_digest"})
    for thread_ts in (ours, "1500000000.000100"):
        bench.ask("<@U0BOT>", message_ts="1600000000.000300", thread_ts=thread_ts)
        assert "how to use failbot" in bench.said()[-1]


def test_a_thread_that_cannot_be_read_now_is_read_later(bench: Bench) -> None:
    """A passing refusal is no reason to answer something else."""
    first = bench.slack.said("C0ML", ASKED)
    bench.log(NAN)
    bench.slack.refuse("conversations.replies", refusal("ratelimited", status=429))
    with pytest.raises(Exception, match="refused"):
        bench.ask("<@U0BOT>", message_ts="1600000000.000200", thread_ts=first)
    assert len(bench.said()) == 1


def test_a_question_is_kept_with_its_place_asker_and_answer(bench: Bench) -> None:
    """As it was asked, where, by whom, when, and what was shown; a hint makes it more private."""
    bench.log(NAN)
    bench.ask(message_ts="17.1")
    bench.ask(message_ts="17.2", hint="mpim")
    who = viewer(BEN, "C0ML")
    kept = bench.store.questions.asked(viewer=who, since=NOW, before=NOW + timedelta(days=1))
    assert [(one.text, one.user_id, one.message_ts, one.shown) for one in kept] == [
        (ASKED, BEN, "17.1", (1,)),
        (ASKED, BEN, "17.2", (1,)),
    ]
    assert [one.place for one in kept] == [public(), private("C0ML")]
    assert f"helped-{kept[0].id}-1" in bench.said()[0]


def test_in_a_direct_message_the_asker_is_answered_all_they_may_see(bench: Bench) -> None:
    """Openly, for nobody else reads there; the question is theirs alone."""
    bench.log(NAN, place=private())
    bench.ask(channel_id="D0BEN", hint="im")
    assert "F-1" in bench.said("D0BEN")[0]
    assert bench.slack.whispers == []
    kept = bench.store.questions.asked(
        viewer=viewer(BEN, sees_workspace=False), since=NOW, before=NOW + timedelta(days=1)
    )
    assert kept[0].place == direct("D0BEN")


def test_an_answer_links_to_the_cards(bench: Bench) -> None:
    """Where there is one; the button of an unknown carries the question."""
    bench.show(bench.log(NAN))
    bench.ask()
    assert "slack.com/archives/C0ML" in bench.said()[1]
    bench.ask("why are sarcastic tweets labelled otherwise", message_ts="17.2")
    assert "'value': 'why are sarcastic tweets labelled otherwise'" in bench.said()[2]


def test_what_only_the_asker_sees_is_shown_where_there_is_nothing_else(bench: Bench) -> None:
    """Everybody reads that nobody has recorded this, and they alone that somebody has."""
    bench.store.calibrations.keep(MILD, team_id="T1", now=NOW)
    bench.log(NAN, place=private())
    bench.ask()
    assert "Nobody has recorded this" in bench.said()[0]
    assert "F-1" in str(bench.slack.whispers)


def test_only_the_first_look_waits_for_the_model(bench: Bench) -> None:
    """Ten seconds: long enough for it to load, short enough for whoever waits."""
    bench.log(NAN, place=private())
    bench.ask()
    assert bench.source.waited == [10.0, 0.0]
    bench.ask(channel_id="D0BEN", hint="im", message_ts="17.2")
    assert bench.source.waited[2:] == [10.0], "who reads along there is the asker"


@pytest.mark.parametrize(
    ("where", "is_given"),
    [
        ({"channel_id": "C0ML"}, True),
        ({"channel_id": "G0SECRET"}, False),
        ({"channel_id": "D0BEN", "hint": "im"}, False),
    ],
)
def test_a_private_question_is_kept_from_a_reader_elsewhere(
    bench: Bench, where: dict[str, str], is_given: bool
) -> None:
    """A language model in someone else's house is asked of what everyone may read, both times."""
    reader = WordReader(same="NaN", is_local=False)
    bench.read_with(reader)
    bench.log(NAN)
    bench.log("Other.", place=private())
    bench.ask(**where)  # type: ignore[arg-type]
    assert len(reader.asked) == (2 if is_given else 0)


# Cards


def test_a_new_failure_gets_its_card_and_remembers_it(bench: Bench) -> None:
    """And where the card says it all, its author is told nothing more."""
    one = bench.log(NAN)
    bench.show(one)
    assert "conversations.history" not in bench.slack.calls, "a first attempt looks for nothing"
    card = bench.slack.messages["C0ML"][0]
    assert "F-1" in card["text"]
    assert bench.service.newest(viewer=bench.places.audience_of(public()))[0].card_ts == card["ts"]
    assert bench.slack.whispers == []
    bench.show(one, attempts=2)
    assert len(bench.said()) == 1


def test_a_card_that_may_be_posted_is_looked_for(bench: Bench) -> None:
    """After a crash between sending and remembering: found over several pages of history."""
    one = bench.log(NAN)
    bench.slack.refuse("chat.postMessage", TimeoutError(), after=True)
    with pytest.raises(TimeoutError):
        bench.show(one)
    for number in range(5):
        bench.slack.said("C0ML", f"meanwhile {number}")
    bench.show(one, attempts=2)
    assert sum("failbot_card" in said for said in bench.said()) == 1
    bench.show(bench.log("The loader dropped rows."), attempts=2)
    assert sum("failbot_card" in said for said in bench.said()) == 2, "another's is another"


def test_an_edit_renews_the_card_and_tells_its_author(bench: Bench) -> None:
    """The old text is nowhere any more."""
    one = bench.log(NAN)
    bench.show(one)
    viewer = bench.places.viewer_for("T1", ANA)
    edited = draft("The rate was too high.")
    bench.service.revise(1, edited, viewer=viewer, is_admin=False, now=bench.now)
    bench.show(one, is_new=False)
    card = bench.slack.messages["C0ML"][0]
    for part in (card["text"], str(card["blocks"])):
        assert "The rate was too high." in part
        assert "became NaN" not in part
    assert "saved, as version 2" in bench.slack.whispers[0]["text"]


def test_a_card_that_slack_refuses_is_told_to_its_author(bench: Bench) -> None:
    """With Slack's reason, and what was taken out of the entry."""
    one = bench.log(NAN, place=public("C404"))
    bench.show(one, channel_id="C0ML", secrets=["aws key"])
    told = bench.slack.whispers[0]["text"]
    assert "F-1 is logged" in told
    assert "/invite @failbot` here. What looks like a secret (aws key)" in told


def test_a_card_that_slack_cannot_take_now_is_tried_again(bench: Bench) -> None:
    """A passing refusal is raised; nobody is told that there is no card."""
    one = bench.log(NAN)
    bench.slack.refuse("chat.postMessage", refusal("internal_error"))
    with pytest.raises(Exception, match="refused"):
        bench.show(one)
    assert bench.slack.whispers == []


def test_who_logs_the_like_of_an_entry_is_told(bench: Bench) -> None:
    """With its link and its sentence; a failure of their own does not resemble itself."""
    bench.show(bench.log(f"It ran for an hour. {NAN}"))
    assert bench.slack.whispers == []
    bench.show(bench.log(NAN))
    told = str(bench.slack.whispers)
    assert "resembles" in told
    assert "F-1" in told
    assert f"\\n>{NAN}" in told
    assert "slack.com/archives/C0ML" in told


def test_where_no_card_is_wanted_the_author_is_told_the_number(bench: Bench) -> None:
    """Logged in a direct message, say."""
    bench.show(bench.log(NAN), posts_card=False)
    assert bench.said() == []
    assert bench.slack.whispers[0]["user"] == ANA
    assert "F-1 is logged" in bench.slack.whispers[0]["text"]


@pytest.mark.parametrize("place", [private(), direct("D0ANA")])
def test_a_private_failure_is_shown_in_its_place(bench: Bench, place: Place) -> None:
    """Its card stays where it was written, however it was logged there."""
    bench.show(bench.log(NAN, place=place))
    assert "F-1" in bench.said(place.channel_id)[0]
    assert bench.said() == []


def test_without_the_right_model_a_card_is_shown_all_the_same(bench: Bench) -> None:
    """Only the hint at similar ones is missing."""
    bench.source.error = ModelError("no such model")
    one = bench.log(NAN)
    bench.show(one)
    bench.show(bench.log("Other."), posts_card=False)
    assert "F-1" in bench.said()[0]
    assert "F-2 is logged" in bench.slack.whispers[0]["text"]


def test_a_failure_that_was_deleted_meanwhile_shows_nothing(bench: Bench) -> None:
    """Neither a card nor a word."""
    one = bench.log(NAN)
    viewer = bench.places.viewer_for("T1", ANA)
    bench.service.delete(1, viewer=viewer, is_admin=False)
    bench.show(one)
    assert bench.said() == []
    assert bench.slack.whispers == []


def test_an_apology_goes_to_whoever_waits(bench: Bench) -> None:
    """Beside their question; a job that nobody waits for gets none."""
    where = {"channel_id": "C0ML", "user_id": BEN, "message_ts": "17.1"}
    apologize(bench.bot, bench.job(QUESTION, where), "abc123")
    whispered = bench.slack.whispers[0]
    assert (whispered["user"], whispered["thread_ts"]) == (BEN, "17.1")
    assert "abc123" in whispered["text"]
    apologize(bench.bot, bench.job(QUESTION, where | {"thread_ts": "16.1"}), "abc123")
    assert bench.slack.whispers[1]["thread_ts"] == "16.1"
    apologize(bench.bot, bench.job("deed", {"channel_id": "C0ML"}), "abc123")
    assert len(bench.slack.whispers) == 2


# Delivery


def test_what_is_told_alone_goes_to_a_direct_message_where_slack_refuses(bench: Bench) -> None:
    """For good; what passes is raised."""
    words = {"user_id": ANA, "channel_id": "C404"}
    whisper(bench.slack, notice("only you"), **words)  # type: ignore[arg-type]
    assert "only you" in bench.said(ANA)[0]
    assert bench.slack.messages[ANA][0]["metadata"] == {
        "event_type": NOTE,
        "event_payload": {"key": ""},
    }
    bench.slack.refuse("chat.postEphemeral", refusal("ratelimited", status=429))
    with pytest.raises(Exception, match="refused"):
        whisper(bench.slack, notice("only you"), **words)  # type: ignore[arg-type]
    assert len(bench.said(ANA)) == 1


SAFE = {"parse": "none", "link_names": False}


def test_nothing_that_is_sent_is_interpreted(bench: Bench) -> None:
    """Slack makes no mention of it, no link and no preview, however it is sent."""
    ts = post(bench.slack, "C0ML", message=notice("@here"), event_type=CARD, key="k").message_ts  # type: ignore[arg-type]
    sent = bench.slack.messages["C0ML"][0]
    previews = {"unfurl_links": False, "unfurl_media": False}
    assert {name: sent[name] for name in SAFE | previews} == SAFE | previews
    assert (sent["thread_ts"], sent["metadata"]) == (
        None,
        {"event_type": CARD, "event_payload": {"key": "k"}},
    )
    sent.clear()
    sent["ts"] = ts
    update(bench.slack, "C0ML", message_ts=ts, message=notice("@all"))  # type: ignore[arg-type]
    assert sent == {"ts": ts, "text": "@all", "blocks": notice("@all").blocks} | SAFE
    whisper(bench.slack, notice("@here"), user_id=ANA, channel_id="C0ML")  # type: ignore[arg-type]
    assert (
        bench.slack.whispers[0]
        == {
            "channel": "C0ML",
            "user": ANA,
            "text": "@here",
            "blocks": notice("@here").blocks,
            "thread_ts": None,
        }
        | SAFE
    )


class Hook(BaseHTTPRequestHandler):
    """A response_url: answers with the server's status, and keeps what it was sent."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.sent.append(json.loads(body))  # type: ignore[attr-defined]
        self.send_response(self.server.status)  # type: ignore[attr-defined]
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def hook() -> Iterator[HTTPServer]:
    server = HTTPServer(("127.0.0.1", 0), Hook)
    server.status, server.sent = 200, []  # type: ignore[attr-defined]
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("in_place", [False, True])
def test_an_actor_is_answered_where_they_acted(bench: Bench, hook: Any, in_place: bool) -> None:
    """By the response_url, for them alone; in place of the message only where that is wanted."""
    url = f"http://127.0.0.1:{hook.server_port}/"
    where = {"user_id": ANA, "channel_id": "C0ML", "response_url": url}
    more = {"replace": True} if in_place else {}
    whisper(bench.slack, notice("done"), **where, **more)  # type: ignore[arg-type]
    assert hook.sent == [
        {
            "text": "done",
            "blocks": notice("done").blocks,
            "response_type": "ephemeral",
            "replace_original": in_place,
        }
    ]
    assert bench.slack.whispers == []


def test_a_response_url_that_is_used_up_is_no_dead_end(bench: Bench, hook: Any) -> None:
    """Refused after half an hour, or gone altogether: they are told beside it."""
    url = f"http://127.0.0.1:{hook.server_port}/"
    hook.status = 404
    where = {"user_id": ANA, "channel_id": "C0ML"}
    whisper(bench.slack, notice("done"), response_url=url, **where)  # type: ignore[arg-type]
    assert len(hook.sent) == len(bench.slack.whispers) == 1
    one = bench.log(NAN)
    bench.show(one, posts_card=False, response_url=url)
    assert len(hook.sent) == 2, "a job answers where its author acted, too"
    closed = "http://127.0.0.1:9/"
    whisper(bench.slack, notice("done"), response_url=closed, **where)  # type: ignore[arg-type]
    assert len(bench.slack.whispers) == 3


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (refusal("is_archived"), "is_archived"),
        (SlackApiError("refused", {"ok": False, "error": "is_archived"}), "is_archived"),
        (SlackApiError("refused", "an error page"), ""),
        (SlackApiError("refused", {"ok": False}), ""),
        (TimeoutError(), ""),
    ],
)
def test_a_refusal_is_named_as_slack_names_it(error: Exception, code: str) -> None:
    """Whatever shape its answer has; what says nothing has no name, and passes."""
    assert error_code(error) == code
    assert is_final(error) is bool(code)


@pytest.mark.parametrize(
    ("code", "status", "is_for_good"),
    [
        ("channel_not_found", 200, True),
        ("ratelimited", 200, False),
        ("rate_limited", 200, False),
        ("internal_error", 200, False),
        ("fatal_error", 200, False),
        ("service_unavailable", 200, False),
        ("request_timeout", 200, False),
        ("channel_not_found", 500, False),
        ("", 200, False),
        ("Received a response in a non-JSON format", 200, False),
    ],
)
def test_a_refusal_is_for_good_or_passes(code: str, status: int, is_for_good: bool) -> None:
    """What is no answer of Slack's own always passes."""
    assert is_final(refusal(code, status=status)) is is_for_good
    assert not is_final(TimeoutError())


@pytest.mark.parametrize(
    ("said", "seconds"), [("30", 30.0), ("", 0.0), ("soon", 0.0), ("-1", 0.0), (["7"], 7.0)]
)
def test_slack_says_how_long_to_wait(said: Any, seconds: float) -> None:
    """In a header of any case, once or in a list; what is no number is no wait."""
    error = refusal("ratelimited", status=429)
    error.response.headers = {"X-Other": "5", "retry-after": said} if said else {}
    assert retry_after_s(error) == seconds
    assert retry_after_s(TimeoutError()) == 0.0


def test_a_sent_message_is_found_by_type_and_key(bench: Bench) -> None:
    """On any of the last five pages; another's, or one of another key, is not it."""
    mark = Mark(event_type=ANSWER, key="C0ML:17.1")
    sent = {"event_type": mark.event_type, "key": mark.key}
    bench.slack.said("C0ML", "x", metadata={"event_type": ANSWER, "event_payload": {"key": "?"}})
    bench.slack.said("C0ML", "x", metadata={"event_type": "other", "event_payload": sent})
    bench.slack.said("C0ML", "x", metadata="odd")
    assert find_posted(bench.slack, "C0ML", mark) == ""  # type: ignore[arg-type]
    ours = post(bench.slack, "C0ML", message=notice("here"), **sent)  # type: ignore[arg-type]
    for number in range(9):
        assert find_posted(bench.slack, "C0ML", mark) == ours.message_ts  # type: ignore[arg-type]
        bench.slack.said("C0ML", f"later {number}")
    bench.slack.said("C0ML", "too late")
    assert find_posted(bench.slack, "C0ML", mark) == ""  # type: ignore[arg-type]


OURS = frozenset({"U0BOT", "B0BOT"})


def test_where_marks_got_lost_the_bots_own_reply_is_it(bench: Bench) -> None:
    """After what it answers; not somebody else's, nor one with another mark."""
    first = bench.slack.said("C0ML", "earlier")
    bench.slack.said("C0ML", "before", thread_ts=first, user="U0BOT")
    asked = bench.slack.said("C0ML", ASKED, thread_ts=first)
    mark = Mark(event_type=ANSWER, key=f"C0ML:{asked}", own_ids=OURS, after=asked)

    def found() -> str:
        return find_posted(bench.slack, "C0ML", mark, thread_ts=first)  # type: ignore[arg-type]

    bench.slack.said("C0ML", "mine", thread_ts=first, user=BEN)
    other = {"event_type": ANSWER, "event_payload": {"key": "another"}}
    bench.slack.said("C0ML", "marked", thread_ts=first, bot_id="B0BOT", metadata=other)
    assert found() == ""
    ours = bench.slack.said("C0ML", "it", thread_ts=first, bot_id="B0BOT")
    assert found() == ours


def test_where_marks_got_lost_the_bots_own_words_in_a_channel_are_it(bench: Bench) -> None:
    """A card or a digest answers nothing: it is known by its text, and only if it is ours."""
    mark = Mark(event_type=CARD, key="F-1", own_ids=OURS, text="F-1: it diverged.")
    bench.slack.said("C0ML", mark.text, user=BEN)
    bench.slack.said("C0ML", "F-2: it diverged.", user="U0BOT")
    assert find_posted(bench.slack, "C0ML", mark) == ""  # type: ignore[arg-type]
    ours = bench.slack.said("C0ML", mark.text, user="U0BOT")
    assert find_posted(bench.slack, "C0ML", mark) == ours  # type: ignore[arg-type]
    unknown = replace(mark, own_ids=frozenset())
    assert find_posted(bench.slack, "C0ML", unknown) == ""  # type: ignore[arg-type]


def test_where_one_cannot_look_it_is_sent(bench: Bench) -> None:
    """Without the right to read history a repetition is better than silence; a fault is raised."""
    mark = Mark(event_type=ANSWER, key="k")
    bench.slack.refuse("conversations.history", refusal("missing_scope"))
    assert find_posted(bench.slack, "C0ML", mark) == ""  # type: ignore[arg-type]
    bench.slack.refuse("conversations.history", refusal("fatal_error"))
    with pytest.raises(Exception, match="refused"):
        find_posted(bench.slack, "C0ML", mark)  # type: ignore[arg-type]


def test_links_are_of_cards_that_are_there(bench: Bench) -> None:
    """Each is asked for once; none where there is no card, or it is gone."""
    ts = bench.slack.said("C0ML", "a card")
    failures = [
        failure(1, card_ts=ts),
        failure(1, card_ts=ts),
        failure(2),
        failure(3, card_ts="9.9"),
    ]
    assert list(card_links(bench.slack, failures)) == [1]  # type: ignore[arg-type]
    assert bench.slack.calls.count("chat.getPermalink") == 2


# Digests

LESSONS = (failure(1, lesson="Clip the gradients"), failure(2, lesson="Shuffle"))
DIGEST = Digest(week="2026-W10", until=NOW, pattern=None, lessons=LESSONS, questions=(), thanks=())
PLAN = Schedule(
    team_id="T1",
    channel_id="C0ML",
    weekday=0,
    hour=9,
    minute=0,
    zone="UTC",
    created_by=ANA,
    created_at=NOW,
)
WEEK = "2026-W10"


def test_a_digest_is_posted_once_however_often_it_is_claimed(bench: Bench) -> None:
    """A later attempt looks for message and details; another week's is another."""
    ts = publish(bench.bot, PLAN, DIGEST, bench.claim(WEEK))
    assert publish(bench.bot, PLAN, DIGEST, bench.claim(WEEK)) == ts
    assert len(bench.said()) == 2
    assert bench.slack.messages["C0ML"][1]["thread_ts"] == ts
    sent = {"event_payload": {"key": "C0ML:2026-W10"}}
    assert [one["metadata"] for one in bench.slack.messages["C0ML"]] == [
        {"event_type": "failbot_digest"} | sent,
        {"event_type": "failbot_digest_details"} | sent,
    ]
    bench.claim("2026-W11")
    publish(bench.bot, PLAN, replace(DIGEST, week="2026-W11"), bench.claim("2026-W11"))
    assert len(bench.said()) == 4, "another week's is another"
    calls = len(bench.slack.calls)
    publish(bench.bot, PLAN, replace(DIGEST, week="2026-W12"), bench.claim("2026-W12"))
    assert bench.slack.calls[calls:] == ["chat.postMessage"] * 2, "a first attempt does not look"


def test_a_digest_that_another_process_posts_by_now_is_not_posted(bench: Bench) -> None:
    """Whoever was paused for longer than its lease leaves it to whoever followed."""
    late = bench.claim(WEEK)
    publish(bench.bot, PLAN, DIGEST, bench.claim(WEEK))
    with pytest.raises(TakenOverError):
        publish(bench.bot, PLAN, DIGEST, late)
    assert len(bench.said()) == 2


def test_a_digest_links_to_the_cards_of_its_lessons_and_its_pattern(bench: Bench) -> None:
    """Each card's address is asked for once."""
    ts = [bench.slack.said("C0ML", "a card") for _ in range(2)]
    lesson, of_old = failure(1, card_ts=ts[0], lesson="Clip"), failure(2, card_ts=ts[1])
    shared = Pattern(name="nan", meaning="", failures=(lesson, of_old))
    full = replace(DIGEST, lessons=(lesson,), pattern=shared)
    publish(bench.bot, PLAN, full, bench.claim(WEEK))
    assert bench.slack.calls.count("chat.getPermalink") == 2
    assert f"p{ts[0]}" in bench.said()[2] + bench.said()[3]


@pytest.mark.parametrize(
    ("code", "is_kept", "words"),
    [
        ("channel_not_found", False, "set it anew"),
        ("is_archived", False, "set it anew"),
        ("not_in_channel", True, "/invite @failbot"),
    ],
)
def test_a_refused_digest_is_told_to_who_asked_for_it(
    bench: Bench, code: str, is_kept: bool, words: str
) -> None:
    """A channel that is gone takes its schedule along; one that is closed to failbot does not."""
    bench.service.set_schedule(PLAN)
    bench.slack.refuse("chat.postMessage", refusal(code))
    with pytest.raises(SlackError, match=code):
        publish(bench.bot, PLAN, DIGEST, bench.claim(WEEK))
    assert bool(bench.service.schedule_of(team_id="T1", channel_id="C0ML")) is is_kept
    assert words in bench.said(ANA)[0]


def test_a_digest_that_slack_cannot_take_now_is_nobodys_news(bench: Bench) -> None:
    """It is raised as it is, to be tried again; and who cannot be told is no second fault."""
    bench.service.set_schedule(PLAN)
    passing = refusal("internal_error")
    bench.slack.refuse("chat.postMessage", passing)
    with pytest.raises(type(passing)):
        publish(bench.bot, PLAN, DIGEST, bench.claim(WEEK))
    assert bench.said(ANA) == []
    assert bench.service.schedule_of(team_id="T1", channel_id="C0ML") is not None
    bench.slack.refuse("chat.postMessage", refusal("is_archived"), TimeoutError())
    with pytest.raises(SlackError):
        publish(bench.bot, PLAN, DIGEST, bench.claim(WEEK))


def test_a_refused_digest_of_somebody_who_is_forgotten_is_nobodys_news(bench: Bench) -> None:
    """Slack is not asked to reach nobody."""
    bench.slack.refuse("chat.postMessage", refusal("not_in_channel"))
    with pytest.raises(SlackError):
        publish(bench.bot, replace(PLAN, created_by=""), DIGEST, bench.claim(WEEK))
    assert bench.slack.calls.count("chat.postMessage") == 1


def test_a_digest_is_of_what_its_channel_may_see(bench: Bench) -> None:
    """The workspace, and in a private channel its own entries, too."""
    assert audience_of(bench.bot, PLAN) == bench.places.audience_of(public())
    secret = replace(PLAN, channel_id="G0SECRET")
    assert audience_of(bench.bot, secret) == bench.places.audience_of(private())
    assert audience_of(bench.bot, secret).channel_ids == {"G0SECRET"}


# Workers


def test_a_finished_job_is_gone(bench: Bench) -> None:
    """And without one there is nothing to do."""
    workers = bench.workers(deed=raising())
    bench.add()
    assert workers.run_one()
    assert bench.store.inbox.waiting() == 0
    assert not workers.run_one()


def test_a_failed_job_waits_longer_each_time(bench: Bench) -> None:
    """2, 4, 8 seconds, and five minutes at most."""
    workers = bench.workers(deed=raising(*(TimeoutError() for _ in range(20))))
    bench.add()
    assert workers.run_one()
    pauses = []
    while len(pauses) < 12:
        pauses.append(0)
        while not workers.run_one():
            bench.pass_s(1)
            pauses[-1] += 1
    assert pauses == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300]


def test_slacks_own_pause_is_kept_to(bench: Bench) -> None:
    """Where it is the longer one."""
    limited = refusal("ratelimited", status=429, retry_after="90")
    workers = bench.workers(deed=raising(limited))
    bench.add()
    assert workers.run_one()
    bench.pass_s(89)
    assert not workers.run_one()
    bench.pass_s(1)
    assert workers.run_one()
    assert bench.store.inbox.waiting() == 0


@pytest.mark.parametrize("error", [TimeoutError(), refusal("internal_error"), StoreError("busy")])
def test_what_passes_is_tried_for_a_day(bench: Bench, error: Exception) -> None:
    """To its last moment; then it is given up, silently: an answer is of no use any more."""
    workers = bench.workers(deed=raising(*[error] * 9))
    bench.add()
    assert workers.run_one()
    bench.now = NOW + timedelta(days=1)
    assert workers.run_one()
    assert bench.store.inbox.waiting() == 1
    bench.now += timedelta(seconds=10)
    assert workers.run_one()
    assert bench.store.inbox.waiting() == 0
    assert bench.apologies == []


def test_a_job_that_was_broken_off_is_for_whoever_comes_next(bench: Bench) -> None:
    """At once, and without an apology: the process ends, not the question."""
    bench.add()
    assert bench.workers(deed=raising(StoppedError())).run_one()
    assert bench.apologies == []
    assert bench.workers(deed=raising()).run_one()
    assert bench.store.inbox.waiting() == 0


def test_a_deed_is_given_the_bot_and_its_job(bench: Bench) -> None:
    """And so is the apology, where it breaks."""
    given: list[tuple[object, object]] = []

    def deed(*one: Any) -> None:
        given.append(one)
        if len(given) > 1:
            raise ZeroDivisionError

    def note(bot: Bot, job: Job, reference: str) -> None:
        given.append((bot, job))

    workers = Workers(bench.bot, {"deed": deed}, apologize=note, bells=Bells(), stop=bench.stop)
    for text in ("first", "second"):
        bench.add(text=text)
        assert workers.run_one()
    assert [bot for bot, _ in given] == [bench.bot] * 3
    assert [job.payload["text"] for _, job in given] == ["first", "second", "second"]  # type: ignore[attr-defined]


def test_serving_workers_do_what_is_there_and_what_comes(bench: Bench) -> None:
    """They take what waits at once, and sleep until they are woken; closing ends them."""
    before = set(enumerate_threads())
    done: Queue[Job] = Queue()
    bells = Bells()
    workers = Workers(
        bench.bot,
        {"deed": lambda _, job: done.put(job)},
        apologize=lambda *_: None,
        bells=bells,
        stop=bench.stop,
    )
    for text in ("first", "second"):
        bench.add(text=text)
    workers.start()
    found = [done.get(timeout=5).payload["text"] for _ in range(2)]
    assert sorted(map(str, found)) == ["first", "second"]
    bench.add(text="third")
    bells.knock("deed")
    assert done.get(timeout=5).payload["text"] == "third"
    workers.close()
    assert not set(enumerate_threads()) - before


class Beats:
    """The event of an end that does not come before so many beats."""

    def __init__(self, count: int) -> None:
        self.left = count

    def wait(self, timeout_s: float) -> bool:
        assert timeout_s < 15, "a beat that comes after the lease has ended is none"
        self.left -= 1
        return self.left < 0


def test_a_job_at_work_is_held_and_a_finished_one_is_not(bench: Bench) -> None:
    """However long it takes, nobody else gets it; afterwards nothing renews it."""
    other = bench.workers(deed=raising())
    seen: list[bool] = []

    def long_deed(_: Bot, job: Job) -> None:
        for _ in range(3):
            bench.pass_s(14)
            workers._beat(Beats(1))  # type: ignore[arg-type]
            seen.append(other.run_one())
        raise TimeoutError

    workers = bench.workers(deed=long_deed)
    bench.add()
    assert workers.run_one()
    assert seen == [False] * 3
    bench.pass_s(2)
    workers._beat(Beats(1))  # type: ignore[arg-type]
    assert other.run_one(), "it waits for its retry, and no lease"
    assert bench.store.inbox.waiting() == 0


def test_a_final_refusal_is_not_repeated(bench: Bench) -> None:
    """Nor apologised for: whoever waits cannot be reached."""
    workers = bench.workers(deed=raising(refusal("channel_not_found")))
    bench.add()
    assert workers.run_one()
    assert bench.store.inbox.waiting() == 0
    assert bench.apologies == []


def test_what_is_given_up_is_kept_with_its_reason(bench: Bench) -> None:
    """A final refusal, a defect, and what did not work for a day: none is forgotten."""
    workers = bench.workers(
        deed=raising(refusal("channel_not_found"), KeyError("boom"), TimeoutError())
    )
    for _ in range(2):
        bench.add()
        assert workers.run_one()
    bench.add()
    bench.pass_s(25 * 3600)
    assert workers.run_one()
    reasons = [one.reason for one in bench.store.inbox.given_up()]
    assert reasons == [
        "Slack says channel_not_found",
        f"a defect, reference {bench.apologies[0]}",
        "TimeoutError",
    ]
    assert bench.store.inbox.waiting() == 0


def test_a_defect_is_said_with_a_reference_and_not_repeated(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    """The same reference that the log has, and another one the next time."""
    workers = bench.workers(deed=raising(ZeroDivisionError("boom"), KeyError("boom")))
    for _ in range(2):
        bench.add()
        assert workers.run_one()
    assert bench.store.inbox.waiting() == 0
    assert len(set(bench.apologies)) == 2
    assert all(reference in caplog.text for reference in bench.apologies)


def test_a_job_of_no_known_kind_is_a_defect(bench: Bench) -> None:
    """A newer version may have stored it; it does not block the rest."""
    workers = bench.workers(deed=raising())
    bench.add("from the future")
    bench.add()
    assert workers.run_one()
    assert len(bench.apologies) == 1
    assert workers.run_one()
    assert bench.store.inbox.waiting() == 0


@pytest.mark.parametrize("error", [TimeoutError(), SlackError("no")])
def test_an_apology_that_does_not_get_through_ends_the_job_too(
    bench: Bench, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """Said in the log; the worker goes on."""

    def apologize_in_vain(_: Bot, job: Job, reference: str) -> None:
        raise error

    deeds = {"deed": raising(ZeroDivisionError())}
    workers = Workers(bench.bot, deeds, apologize=apologize_in_vain, bells=Bells(), stop=bench.stop)
    bench.add()
    with caplog.at_level(logging.ERROR):
        assert workers.run_one()
    assert "could not be told" in caplog.text
    assert bench.store.inbox.waiting() == 0


def test_a_job_is_held_for_its_lease_only(bench: Bench) -> None:
    """What a killed process held is another's 15 seconds later."""

    def die(_: Bot, job: Job) -> None:
        raise SystemExit  # stands for kill -9: nothing after it happens

    bench.add()
    with pytest.raises(SystemExit):
        bench.workers(deed=die).run_one()
    other = bench.workers(deed=raising())
    bench.pass_s(14.9)
    assert not other.run_one()
    bench.pass_s(0.1)
    assert other.run_one()
