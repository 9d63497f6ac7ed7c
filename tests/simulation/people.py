"""What people do in Slack: log, edit, delete, ask, click, schedule; come, go, and change places.

Each person is a thread of the machine that never breaks: they wait for what the bot shows them as
long as people do, and try again where Slack says that something went wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from failbot.sandbox.actor import Actor
from failbot.sandbox.delivery import Delivery
from failbot.sandbox.factory import BOT_USER
from failbot.sandbox.refusal import JsonObject, PersonError
from failbot.slack.views.answers import WORD
from tests.simulation.model import Asked, Edit, Entry, Scheduled, Typed, Word

if TYPE_CHECKING:
    from tests.simulation.world import World

PATIENCE_S = 25.0  # how long a person waits for the bot
LOOK_S = 0.3
PAUSE_S = 12.0  # between two deeds of a person, on average
TRIES = 3  # of a form that Slack could not hand over
SYLLABLES = ("ba", "ko", "mi", "ru", "ze", "ta", "no", "li", "su", "fe", "ga", "po")


class Person:
    """One person's deeds; each leaves its record in the model."""

    def __init__(self, world: World, user_id: str) -> None:
        self._world = world
        self._machine, self._model = world.machine, world.model
        self._draw = world.draw
        self.user_id = user_id
        self._actor: Actor = world.control.as_(user_id)

    def live(self) -> None:
        """Does one thing after the other, until the evening; a guest asks only."""
        deeds: list[tuple[int, Callable[[], None]]] = [(5, self.ask), (2, self.command)]
        if not self._world.platform.workspace.people[self.user_id].is_guest:
            deeds += [
                (5, self.log),
                (3, self.edit),
                (3, self.delete),
                (3, self.word),
                (2, self.schedule),
            ]
        chances = [weight for weight, _ in deeds]
        self._machine.sleep(self._draw.uniform(0.0, PAUSE_S))
        while not self._world.is_evening:
            (_, deed) = self._draw.choices(deeds, chances)[0]
            try:
                deed()
            except PersonError as error:  # the channel is not theirs any more, the button is gone
                self._world.tell(f"{self.user_id} cannot: {error}")
            self._machine.sleep(self._draw.expovariate(1 / PAUSE_S))

    # Deeds

    def log(self) -> None:
        channel_id = self._somewhere()
        self._world.tell(f"{self.user_id} logs in {channel_id}")
        view = self._opens("", channel_id, "Log a failure")
        if view is None:
            return
        entry = self._new_entry(channel_id, view)
        post = {"post": ["post"] if entry.wants_card else []} if _offers(view, "post") else {}
        self._actor.fill(_texts(entry, "rev0x") | post)
        entry.sent_s = self._machine.now_s
        if self._submits():
            entry.acked_s = self._machine.now_s
        self._world.tell(f"{entry.name} is {'acked' if entry.acked_s < 1e12 else 'not acked'}")

    def edit(self) -> None:
        entry = self._an_entry(lambda one: one.author_id == self.user_id)
        if entry is None or entry.deletion_sent_s < 1e12:
            return
        edit = Edit(f"rev{len(entry.edits) + 1}x", self._machine.now_s)
        self._world.tell(f"{self.user_id} edits {entry.name}, F-{entry.number}")
        text = f"edit F-{entry.number}"
        if self._opens(text, self._dm(entry), f"Edit F-{entry.number}") is None:
            return
        self._actor.fill(_texts(entry, edit.rev))
        entry.edits.append(edit)
        edit.sent_s = self._machine.now_s
        if self._submits(entry):
            edit.acked_s = self._machine.now_s
            self._world.tell(f"{entry.name} {edit.rev} is acked")

    def delete(self) -> None:
        entry = self._an_entry(lambda one: one.author_id == self.user_id)
        if entry is None or entry.deletion_acked_s < 1e12:
            return
        channel_id = self._dm(entry)
        since_s = self._machine.now_s
        self._world.tell(f"{self.user_id} deletes {entry.name}, F-{entry.number}")
        self._typed(f"delete F-{entry.number}", channel_id)
        message = self._sees(
            lambda: self._whisper(channel_id, since_s, f"Delete F-{entry.number} for good?")
        )
        if message is None:
            return
        entry.deletion_sent_s = min(entry.deletion_sent_s, self._machine.now_s)
        outcome = self._actor.click(
            "delete_failure", channel_id=channel_id, message_ts=message["ts"], wait=False
        )
        if self._acked(outcome):
            entry.deletion_acked_s = min(entry.deletion_acked_s, self._machine.now_s)
            entry.deletions.append(self._delivery(outcome))
            self._world.tell(f"the deletion of {entry.name} is acked")

    def ask(self) -> None:
        entry = self._an_entry(lambda one: one.deletion_sent_s > 1e12)
        if entry is None:
            return
        channel_id = self._somewhere()
        is_direct = channel_id.startswith("D")
        text = f"has anyone seen {entry.words}?"
        said = self._actor.say(channel_id, text if is_direct else f"<@{BOT_USER}> {text}")
        asked = Asked(channel_id, said["ts"], self.user_id, entry, self._machine.now_s)
        self._model.asked.append(asked)
        self._world.tell(f"{self.user_id} asks for {entry.name} in {channel_id} at {said['ts']}")

    def word(self) -> None:
        """Says whether one of the matches in an answer helped."""
        buttons = [
            (message, element["action_id"])
            for channel_id in self._channels()
            for message in self._world.platform.workspace.stored(channel_id)
            if message.bot_id
            for block in message.blocks
            for element in block.get("elements") or ()
            if WORD.match(str(element.get("action_id") or ""))
        ]
        if not buttons:
            return
        message, action_id = self._draw.choice(buttons)
        found = WORD.match(action_id)
        assert found is not None
        question_id, number = int(found[2]), int(found[3])
        known = [(one.user_id, one.question_id, one.number) for one in self._model.words]
        if (self.user_id, question_id, number) in known:
            return
        helped = found[1] == "helped"
        word = Word(self.user_id, question_id, number, helped, self._machine.now_s)
        self._model.words.append(word)
        self._world.tell(f"{self.user_id} clicks {action_id}")
        outcome = self._actor.click(
            action_id, channel_id=message.channel_id, message_ts=message.ts, wait=False
        )
        if self._acked(outcome):
            word.acked_s, word.delivery = self._machine.now_s, self._delivery(outcome)

    def command(self) -> None:
        entry = self._an_entry(lambda one: True)
        texts = ["list", "mine", "help", "digest"]
        if entry is not None:
            texts += [f"show F-{entry.number}", f"search {entry.words}"]
        self._typed(self._draw.choice(texts), self._somewhere())

    def schedule(self) -> None:
        channel_id = self._draw.choice(self._world.channel_ids)
        if channel_id not in self._channels():
            return
        due_s = (self._machine.now_s // 60 + self._draw.randint(1, 4)) * 60
        due = datetime.fromtimestamp(due_s, UTC)
        text = f"digest here {due:%A} {due:%H:%M} UTC"
        typed = self._typed(text, channel_id)
        self._model.scheduled.append(Scheduled(channel_id, due_s, typed))

    # Hands and eyes

    def _typed(self, text: str, channel_id: str) -> Typed:
        self._world.tell(f"{self.user_id} types /failure {text} in {channel_id}")
        at_s = self._machine.now_s
        outcome = self._actor.command("/failure", text, channel_id, wait=False)
        delivery = self._delivery(outcome)
        typed = Typed(self.user_id, channel_id, text, delivery, at_s)
        self._model.typed.append(typed)
        return typed

    def _somewhere(self) -> str:
        """A channel of theirs where the bot is, or the direct messages with it."""
        return self._draw.choice([*self._channels(), self._actor.dm()])

    def _channels(self) -> list[str]:
        channels = self._world.platform.workspace.channels
        return [
            one
            for one in self._world.channel_ids
            if self.user_id in channels[one].members and not channels[one].is_archived
        ]

    def _dm(self, entry: Entry) -> str:
        """Where its author tends an entry: where it is, or in private."""
        is_here = entry.channel_id in self._channels() and self._draw.random() < 0.5
        return entry.channel_id if is_here else self._actor.dm()

    def _an_entry(self, fits: Callable[[Entry], bool]) -> Entry | None:
        found = [one for one in self._model.entries if fits(one)]
        if not found:
            return None
        entry = self._draw.choice(found)
        entry.number = entry.number or self._world.number_of(entry)
        return entry if entry.number else None

    def _new_entry(self, channel_id: str, view: JsonObject) -> Entry:
        mark = len(self._model.entries)
        words = " ".join("".join(self._draw.choices(SYLLABLES, k=3)) for _ in range(6))
        wants_card = _offers(view, "post") and self._draw.random() < 0.7
        entry = Entry(mark, self.user_id, channel_id, words, wants_card, self._machine.now_s)
        self._model.entries.append(entry)
        return entry

    def _submits(self, entry: Entry | None = None) -> bool:
        """Whether the open form was taken; sent again where Slack had trouble."""
        for _ in range(TRIES):
            outcome = self._actor.submit(wait=False)
            delivery = self._delivery(outcome)
            is_acked = self._acked(outcome)
            said = delivery.reply if isinstance(delivery.reply, dict) else {}
            if is_acked and said.get("response_action") != "errors":
                return True
            if is_acked:
                self._world.judge.told_author(self.user_id, str(said.get("errors")), entry)
            self._machine.sleep(self._draw.uniform(1.0, 8.0))
        self._closes()
        return False

    def _acked(self, outcome: JsonObject) -> bool:
        delivery = self._delivery(outcome)
        self._sees(lambda: delivery.is_final)
        return delivery.status == "acked"

    def _delivery(self, outcome: JsonObject) -> Delivery:
        found = outcome["delivery"]
        return next(one for one in reversed(self._world.platform.deliveries.all) if one.id == found)

    def _opens(self, text: str, channel_id: str, title: str) -> JsonObject | None:
        """The form that the command opens; one that comes late, for another, is closed."""
        self._closes()
        self._actor.command("/failure", text, channel_id, wait=False)

        def look() -> JsonObject | None:
            view = self._actor.view()
            if view is not None and view["title"]["text"] != title:
                self._closes()
                return None
            return view

        return self._sees(look)

    def _closes(self) -> None:
        if self._actor.view() is not None:
            self._actor.close_view()

    def _sees(self, look: Callable[[], Any]) -> Any:
        """What they see as soon as they see it; None when they have waited long enough."""
        until_s = self._machine.now_s + PATIENCE_S
        while not (found := look()):
            if self._machine.now_s >= until_s:
                return None
            self._machine.sleep(LOOK_S)
        return found

    def _whisper(self, channel_id: str, since_s: float, words: str) -> JsonObject | None:
        for message in reversed(self._world.platform.workspace.messages[channel_id]):
            is_mine = message.visible_to == self.user_id and float(message.ts) >= since_s
            if is_mine and message.text.startswith(words):
                return {"ts": message.ts}
        return None


def _offers(view: JsonObject, block_id: str) -> bool:
    return any(one.get("block_id") == block_id for one in view["blocks"])


def _texts(entry: Entry, rev: str) -> JsonObject:
    """What is typed into the form: the mark is wherever a message could show it."""
    return {
        "tried": f"{entry.words}, expecting more ({entry.name})",
        "happened": f"{entry.words} {rev} broke it {entry.name}",
        "lesson": f"{entry.name} {rev} taught us",
        "title": f"{entry.name} {entry.words} {rev}",
    }
