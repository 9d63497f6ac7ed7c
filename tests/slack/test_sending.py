"""What a job sends: only while it is this process's, and each message once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from datetime import timedelta
from http.client import RemoteDisconnected
from threading import Event, Semaphore
from urllib.error import URLError

import pytest

from failbot.errors import TakenOverError
from failbot.slack.bot import Bot, Identity
from failbot.slack.duties import REPLY, Deed
from failbot.slack.events import QUESTION, Asked
from failbot.slack.jobs.delivery import may_have_arrived
from failbot.slack.jobs.handlers import SHOW_CARD, answer_question
from failbot.slack.jobs.kinds import HANDLERS
from failbot.slack.jobs.sending import LEASE_S, Sends
from failbot.slack.jobs.worker import LANES, Bells, Lane, Workers
from failbot.slack.views.blocks import notice
from failbot.store.base import Job, MessageKind
from tests.make import ANA, BEN, private
from tests.slack.fake_slack import refusal
from tests.slack.test_jobs import ASKED, MILD, NAN, NOW, Bench

TS = "1600000000.000100"
QUESTION_OF_BEN = asdict(
    Asked(team_id="T1", channel_id="C0ML", text=ASKED, user_id=BEN, message_ts=TS)
)


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.places.close()


def asked(bench: Bench) -> Job:
    return bench.job(QUESTION, QUESTION_OF_BEN)


def overtaken(bench: Bench, job: Job) -> Job:
    """The same job, by the process that took it when the lease had ended."""
    bench.pass_s(61)
    again = bench.store.inbox.claim(now=bench.now, lease_s=60)
    assert again is not None
    assert again.id == job.id
    return again


def test_whoever_was_paused_past_its_lease_sends_nothing(bench: Bench) -> None:
    """Neither before the other has answered nor afterwards; and it ends nobody's job."""
    late = asked(bench)
    follower = overtaken(bench, late)
    with pytest.raises(TakenOverError):
        answer_question(bench.bot, late)
    assert bench.said() == []
    answer_question(bench.bot, follower)
    with pytest.raises(TakenOverError):
        answer_question(bench.bot, late)
    assert len(bench.said()) == 1
    bench.store.inbox.finish(follower)
    with pytest.raises(TakenOverError):
        answer_question(bench.bot, late)
    assert len(bench.said()) == 1


def test_a_worker_leaves_a_job_that_is_anothers_alone(bench: Bench) -> None:
    """It is neither finished nor given back nor apologised for by whoever was overtaken."""

    def overtake(bot: Bot, job: Job) -> None:
        overtaken(bench, job)
        Sends(bot, job).whisper("late", notice("late"), user_id=ANA, channel_id="C0ML")

    workers = bench.workers(deed=overtake)
    bench.add()
    assert workers.run_one()
    assert bench.store.inbox.waiting() == 1
    assert (bench.slack.whispers, bench.apologies) == ([], [])
    assert bench.store.inbox.claim(now=bench.now, lease_s=1) is None, "the other's lease lasts"


def test_a_process_does_not_take_what_it_is_at_work_on(bench: Bench) -> None:
    """It was paused past its lease, and one thread looks for work before the other goes on."""
    seen: list[bool] = []

    def paused(bot: Bot, job: Job) -> None:
        bench.pass_s(120)
        seen.append(workers.run_one())
        Sends(bot, job).whisper("once", notice("once"), user_id=ANA, channel_id="C0ML")

    workers = bench.workers(deed=paused)
    bench.add()
    assert workers.run_one()
    assert seen == [False]
    assert len(bench.slack.whispers) == 1
    assert bench.store.inbox.waiting() == 0


def test_to_send_makes_the_lease_longer(bench: Bench) -> None:
    """Nobody else takes the job while the message is on its way."""
    job = asked(bench)
    bench.pass_s(59)
    Sends(bench.bot, job).whisper("hint", notice("x"), user_id=ANA, channel_id="C0ML")
    bench.pass_s(LEASE_S - 1)
    assert bench.store.inbox.claim(now=bench.now, lease_s=60) is None


def test_an_answer_is_one_although_the_server_keeps_no_marks(bench: Bench) -> None:
    """Its answer got lost, and Slack forgot what it is known by: the bot knows its own message."""
    bench.bot = replace(bench.bot, identity=Identity(user_id="U0BOT", bot_id="B0BOT"))
    first = bench.slack.said("C0ML", ASKED)
    payload = QUESTION_OF_BEN | {"message_ts": first}
    bench.slack.refuse("chat.postMessage", TimeoutError(), after=True)
    job = bench.job(QUESTION, payload)
    with pytest.raises(TimeoutError):
        answer_question(bench.bot, job)
    sent = bench.slack.messages["C0ML"][-1]
    sent |= {"metadata": None, "user": "U0BOT"}
    answer_question(bench.bot, overtaken(bench, job))
    assert len(bench.said()) == 2


@pytest.mark.parametrize(
    ("error", "is_sent", "is_repeated"),
    [
        (TimeoutError(), True, False),
        (ConnectionResetError(), True, False),
        (RemoteDisconnected(), False, False),
        (refusal("internal_error"), True, False),
        (refusal("fatal_error"), False, False),
        (refusal("ratelimited", status=429), False, True),
        (refusal("service_unavailable", status=503), False, True),
        (URLError(ConnectionRefusedError()), False, True),
    ],
)
def test_a_private_answer_is_never_whispered_twice(
    bench: Bench, error: Exception, is_sent: bool, is_repeated: bool
) -> None:
    """Again only where it is known that it did not arrive: nobody can look for it."""
    bench.store.calibrations.keep(MILD, team_id="T1", now=NOW)
    bench.log(NAN, place=private())
    bench.slack.refuse("chat.postEphemeral", error, after=is_sent)
    workers = Workers(
        bench.bot,
        {QUESTION: answer_question},
        apologize=lambda *_: None,
        bells=Bells(),
        stop=bench.stop,
    )
    bench.store.inbox.add(QUESTION, QUESTION_OF_BEN, team_id="T1", keys=[], now=bench.now)
    assert workers.run_one()
    for _ in range(3):
        bench.pass_s(100)
        workers.run_one()
    assert len(bench.slack.whispers) == int(is_sent or is_repeated)
    assert sum("failbot_answer" in one for one in bench.said()) == 1
    assert bench.store.inbox.waiting() == 0


def test_a_private_answer_is_not_whispered_again_after_a_crash(bench: Bench) -> None:
    """Killed between the whisper and the end of the job."""
    bench.store.calibrations.keep(MILD, team_id="T1", now=NOW)
    bench.log(NAN, place=private())
    job = asked(bench)
    answer_question(bench.bot, job)
    answer_question(bench.bot, overtaken(bench, job))
    assert len(bench.slack.whispers) == 1
    assert sum("failbot_answer" in one for one in bench.said()) == 1


def test_a_reply_that_a_crash_may_have_kept_back_is_said_again(bench: Bench) -> None:
    """Killed after it was begun: whoever typed a command waits for it. Not once it was sent."""
    deed = asdict(Deed(team_id="T1", user_id=ANA, channel_id="C0ML", text="help"))
    job = bench.job(REPLY, deed)
    bench.store.outbox.begin(job, "reply 0", until=bench.now)
    again = overtaken(bench, job)
    HANDLERS[REPLY](bench.bot, again)
    assert len(bench.slack.whispers) == 1
    HANDLERS[REPLY](bench.bot, overtaken(bench, again))
    assert len(bench.slack.whispers) == 1


def test_whoever_was_paused_while_it_looked_sends_nothing(bench: Bench) -> None:
    """Another attempt began, and was overtaken while Slack showed it what was sent."""
    job = overtaken(bench, asked(bench))
    look = bench.slack.conversations_replies

    def look_long(**page: object) -> object:
        found = look(**page)  # type: ignore[arg-type]
        overtaken(bench, job)
        return found

    bench.slack.messages["C0ML"] = [{"ts": TS}]
    bench.slack.conversations_replies = look_long  # type: ignore[assignment,method-assign]
    with pytest.raises(TakenOverError):
        answer_question(bench.bot, job)
    assert len(bench.said()) == 1


def test_what_a_response_url_may_have_taken_is_not_said_beside_it(bench: Bench) -> None:
    """A url that is closed is known to have taken nothing."""
    deed = Deed(team_id="T1", user_id=ANA, channel_id="C0ML", text="help")
    closed = asdict(replace(deed, response_url="http://127.0.0.1:9/"))
    HANDLERS[REPLY](bench.bot, bench.job(REPLY, closed))
    assert len(bench.slack.whispers) == 1


@pytest.mark.parametrize(
    ("error", "unsure"),
    [
        (TimeoutError(), True),
        (ConnectionResetError(), True),
        (URLError(TimeoutError()), False),
        (refusal("internal_error"), True),
        (refusal("request_timeout"), True),
        (refusal("channel_not_found"), False),
        (refusal("Received a response in a non-JSON format"), False),
    ],
)
def test_what_failed_may_have_arrived_or_not(error: Exception, unsure: bool) -> None:
    """A named refusal and a connection that was never made say that nothing was done."""
    assert may_have_arrived(error) is unsure


def test_every_message_is_remembered_with_what_it_shows(bench: Bench) -> None:
    """A card, an answer, a hint that became a direct message; what shows nothing is not."""
    bench.show(bench.log(NAN))
    bench.ask()
    bench.ask("help", message_ts="17.2")
    bench.show(bench.log(NAN), posts_card=False, channel_id="C404")
    shown = bench.store.shown.of(1, team_id="T1")
    assert sorted((one.kind, one.channel_id) for one in shown) == [
        (MessageKind.ANSWER, "C0ML"),
        (MessageKind.CARD, "C0ML"),
        (MessageKind.NOTE, ANA),
    ]
    answer = next(one for one in shown if one.kind is MessageKind.ANSWER)
    assert answer.numbers == (1,)
    assert answer.message_ts in [one["ts"] for one in bench.slack.messages["C0ML"]]


# Lanes


def test_what_takes_long_keeps_no_other_lane_waiting(bench: Bench) -> None:
    """While every thread for commands hangs, questions, forms and cards are done."""
    done = {lane.name: Event() for lane in LANES}
    kinds = {lane.name: next(iter(lane.kinds), SHOW_CARD) for lane in LANES}
    slow = next(lane for lane in LANES if lane.name == "command")
    begun, let_go = Semaphore(0), Event()

    def hang(_: Bot, job: Job) -> None:
        begun.release()
        assert let_go.wait(10)

    def quick(name: str) -> Callable[[Bot, Job], None]:
        return lambda _, job: done[name].set()

    bells = Bells()
    workers = Workers(
        bench.bot,
        {kind: quick(name) for name, kind in kinds.items()} | {kinds["command"]: hang},
        apologize=lambda *_: None,
        bells=bells,
        stop=bench.stop,
    )
    for _ in range(slow.threads + 1):
        bench.add(kinds["command"])
    workers.start()
    assert all(begun.acquire(timeout=5) for _ in range(slow.threads))
    for name in set(kinds) - {"command"}:
        bench.add(kinds[name])
        bells.knock(kinds[name])
        assert done[name].wait(5), name
    let_go.set()
    workers.close()


def test_every_kind_of_job_has_one_lane(bench: Bench) -> None:
    """And one of a kind that no lane names is done by the rest."""
    named = [kind for lane in LANES for kind in lane.kinds]
    assert len(named) == len(set(named))
    assert set(named) < set(HANDLERS)
    rest = [lane for lane in LANES if not lane.kinds]
    assert len(rest) == 1
    workers = bench.workers(unheard_of=lambda *_: None)
    bench.add("unheard_of")
    for lane in LANES:
        assert workers.run_one(lane) is (lane in rest)


def test_a_flooded_channel_does_not_starve_another(bench: Bench) -> None:
    """A hundred questions wait in one channel; the one in another is the next to be answered."""
    lane = Lane(name="question", threads=2, kinds=frozenset({"deed"}))
    order: list[str] = []

    def deed(_: Bot, job: Job) -> None:
        order.append(str(job.payload["channel_id"]))
        if len(order) == 1:
            assert workers.run_one(lane), "the other thread"

    workers = bench.workers(deed=deed)
    for number in range(100):
        flood: dict[str, object] = {"channel_id": "C0FLOOD"}
        bench.store.inbox.add(
            "deed", flood, team_id="T1", keys=[str(number)], now=bench.now, channel_id="C0FLOOD"
        )
    bench.pass_s(1)
    bench.store.inbox.add(
        "deed", {"channel_id": "C0ML"}, team_id="T1", keys=["x"], now=bench.now, channel_id="C0ML"
    )
    assert workers.run_one(lane)
    assert order == ["C0FLOOD", "C0ML"]


def test_a_jobs_channel_is_known_to_the_inbox(bench: Bench) -> None:
    """Whoever stores it for later names it in the payload."""
    for channel_id in ("C1", "C1", "C2"):
        bench.bot.later("deed", {"channel_id": channel_id}, team_id="T1", keys=[])
        bench.now += timedelta(seconds=1)
    claimed = [bench.store.inbox.claim(now=bench.now, lease_s=60) for _ in range(3)]
    assert [one and one.payload["channel_id"] for one in claimed] == ["C1", "C2", "C1"]
