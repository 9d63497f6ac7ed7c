"""A conversation to watch: three people, the sample memory, and the real service behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path

from failbot.errors import InputError
from failbot.files import importing, tabular
from failbot.memory.service import Service
from failbot.models import (
    Answer,
    Digest,
    Draft,
    Explanation,
    ExplanationStatus,
    Failure,
    Feedback,
    Place,
    Viewer,
    Visibility,
)
from failbot.taxonomy import Outcome

ANA, BEN, CHLOE = "ana", "ben", "chloe"
SAMPLES_AUTHOR = "samples"
# The samples are older than the week: the digest is about what is said in the conversation.
SAMPLES_AGE = timedelta(days=30)
SLACK_FILE = "slack.json"  # what the page's Slack holds
MARK = ".failbot-demo"  # what a folder holds that --fresh may empty

LOGGED = Draft(
    title="Compiling the model together with activation checkpointing made training slower",
    tried="Turned on torch.compile on top of activation checkpointing; expected a quarter more "
    "throughput at the same memory.",
    happened="Throughput fell to a third. The profiler shows the graph being rebuilt at nearly "
    "every step, because the sequence length changes from batch to batch.",
    outcome=Outcome.WORSE,
    explanations=(
        Explanation(
            text="Variable sequence lengths trigger recompilation.",
            status=ExplanationStatus.SUPPORTED,
            evidence="With batches padded to four fixed lengths it compiles four times.",
        ),
    ),
    modes=("infra",),
    lesson="Pad batches to a few fixed lengths before compiling, and count recompilations in CI.",
    tags=("training", "throughput"),
    external_id="demo-1",
)
ASKED = (
    "since we switched on compile every training step takes three times as long, and the lengths "
    "of our batches vary a lot. has anyone seen this?"
)
UNKNOWN = "our greenhouse robot waters the tomatoes twice whenever the night shift reboots it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One thing that someone says, and what failbot makes of it."""

    who: str
    says: str
    reply: Failure | Answer | Digest


# Where earlier versions logged the samples. No Slack has it, which would close them to everyone.
FORMER_CHANNEL = "training"


def place_in(team_id: str) -> Place:
    """Where the demo's failures are logged: in that workspace, and in none of its channels."""
    return Place(team_id=team_id, channel_id="", visibility=Visibility.WORKSPACE)


def load_samples(
    service: Service, *, place: Place, now: datetime, progress: Callable[[int, int], None]
) -> tuple[int, int]:
    """How many sample failures are new, and how many there are. Idempotent; waits for the model."""
    service.detach(FORMER_CHANNEL, team_id=place.team_id)
    with (files("failbot") / "samples" / "failures.jsonl").open("rb") as stream:
        reading = importing.read(tabular.rows(stream, format="jsonl"), importing.Plan())
    recorded = service.record_many(
        reading.drafts,
        wants=False,
        place=place,
        author_id=SAMPLES_AUTHOR,
        now=now - SAMPLES_AGE,
        questions=reading.questions,
        name="samples",
    ).recorded
    service.embed_missing(progress)
    return sum(one.is_new for one in recorded), len(recorded)


def conversation(service: Service, *, place: Place, now: datetime) -> Iterator[Turn]:
    """The turns, each done for real before it is told; the second time nothing is added."""
    logged = service.record(LOGGED, place=place, author_id=ANA, now=now).failure
    service.embed_missing()
    yield Turn(who=ANA, says=f"{LOGGED.tried} {LOGGED.happened}", reply=logged)
    for count, (who, text) in enumerate(((BEN, ASKED), (CHLOE, UNKNOWN)), start=1):
        ts = f"demo-{count}"
        answer = _asked(service, who, text, place=place, message_ts=ts, now=now)
        yield Turn(who=who, says=text, reply=answer)
    audience = Viewer(team_id=place.team_id, channel_ids=frozenset({place.channel_id}))
    until = logged.created_at + timedelta(hours=1)
    yield Turn(who="", says="", reply=service.digest(audience=audience, now=until))


def _asked(
    service: Service, who: str, text: str, *, place: Place, message_ts: str, now: datetime
) -> Answer:
    """The answer, kept as a question; the asker says that what was shown first helped."""
    viewer = Viewer(team_id=place.team_id, user_id=who)
    answer = service.ask(text, viewer=viewer, patience_s=300, is_private=False)
    question = service.keep_question(
        text, answer, place=place, user_id=who, message_ts=message_ts, now=now
    )
    for number in question.shown[:1]:
        feedback = Feedback(
            question_id=question.id, number=number, user_id=who, helped=True, at=now
        )
        service.give_feedback(feedback, viewer=viewer)
    return answer


def prepare_folder(folder: Path, *, fresh: bool) -> None:
    """The demo's folder, made where it is not there; without its memory when `fresh`.

    :raises InputError: it holds a memory that no demo made.
    """
    mark = folder / MARK
    if (folder / "failbot.db").exists() and not mark.exists():
        raise InputError(
            f"{folder} holds a memory that is not the demo's; name another folder: "
            "failbot --data FOLDER demo"
        )
    if fresh:
        for path in (*folder.glob("failbot.db*"), folder / SLACK_FILE):
            path.unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    mark.touch()
