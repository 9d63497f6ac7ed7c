"""Whether what was promised was kept, judged at each message that is sent; see `night`, too.

Each kind of broken promise has a name, by which `known` lists those that are not mended yet.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.simulation.model import MARK, NEVER, Asked, Entry
from tests.simulation.wire import Sent

if TYPE_CHECKING:
    from tests.simulation.world import World

# README: what Slack said of memberships is believed for at most a minute; then the look-ups of
# one answer, and its sending, take their time.
BELIEVED_S = 60.0 + 30.0
UNDER_WAY_S = 30.0  # what a person had just begun to do while something changed
PUBLIC = ("chat.postMessage", "chat.update")
WHISPERED = ("chat.postEphemeral", "response_url")
NO_SUCH = re.compile(r"There is no F-(\d+)")
# Words by which a person knows that what they asked for was not done.
REFUSED = re.compile(
    r"disk is full|database is locked|Slack did not say|There is no F-|not there any more"
    r"|can change it|members of this workspace|failbot broke"
    r"|Slack did not answer|try again|try the same again"
)
UNTRUE = "Slack did not say who you are"
KINDS = {
    "failbot_card": "card",
    "failbot_answer": "answer",
    "failbot_digest": "digest",
    "failbot_digest_details": "digest",
    "failbot_note": "note",
}


@dataclass(frozen=True, slots=True)
class Broken:
    """A promise that was broken, by the kind's name; `words` say where."""

    kind: str
    words: str


class Judge:
    """Looks at what is sent, and remembers it for the night."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._model = world.model
        self.broken: list[Broken] = []
        self.posted: dict[tuple[str, str, str], list[Sent]] = defaultdict(list)
        self.whispered: dict[tuple[str, str, str], list[Sent]] = defaultdict(list)
        self.told: list[Sent] = []
        self.lost_whispers: list[tuple[float, dict[str, Any]]] = []  # whispers that never arrived
        self.told_late: list[tuple[Entry, str]] = []  # of what was to be deleted by then

    def find(self, kind: str, words: str) -> None:
        self.broken.append(Broken(kind, words))
        self._world.tell(f"BROKEN {kind}: {words}")

    # At each message

    def heard(self, sent: Sent) -> None:
        """Slack has just done this for a bot."""
        arguments = sent.arguments
        text = str(arguments.get("text") or "")
        if "failbot broke on this" in text:
            self.find("failbot broke", text)
        if self._world.folder_name in str(arguments):
            self.find("a server's path is told", text)
        if sent.method in PUBLIC:
            self._judge_public(sent, text)
        elif sent.method in WHISPERED:
            self._judge_whisper(sent, text)

    def lost(self, method: str, arguments: dict[str, Any]) -> None:
        """A call went out and did not arrive, and its sender cannot know that it did not."""
        if method in WHISPERED:
            self.lost_whispers.append((self._world.machine.now_s, arguments))

    def told_author(self, user_id: str, words: str, entry: Entry | None) -> None:
        """A form came back to who sent it, with these errors."""
        self._check_truth(user_id, words)

    def _judge_public(self, sent: Sent, text: str) -> None:
        channel_id = str(sent.answer["channel"])
        for entry in self._shown(sent.arguments):
            self._judge_shown(sent, channel_id, entry)
        if sent.method != "chat.postMessage":
            return
        kind, key = _metadata(sent)
        if kind and kind != "failbot_note":
            self.posted[channel_id, kind, key].append(sent)
        if channel_id.startswith("D"):
            self.told.append(sent)
        asked = self.question(channel_id, str(sent.arguments.get("thread_ts") or ""))
        if asked is not None and text.startswith(UNTRUE) and self.is_full(asked.user_id):
            self.find("question refused for good", f"{asked.ts} in {channel_id}")

    def _judge_shown(self, sent: Sent, channel_id: str, entry: Entry) -> None:
        channel = self._world.platform.workspace.channels[channel_id]
        if channel.kind == "im":
            reader = next(one for one in channel.members if one != self._world.bot_user_id)
            return self._judge_told(sent, reader, entry)
        facts = self._lately(sent)
        if any(one.may_show(channel_id, entry) for one in facts):
            return None
        latest = facts[-1]
        has_guest = latest.members[channel_id] - latest.full or channel_id in latest.shared
        kind = "guests read the workspace" if has_guest else "shown to others than its readers"
        return self.find(kind, f"{entry.name} in {channel_id}, {_metadata(sent)[0]}")

    def _judge_whisper(self, sent: Sent, text: str) -> None:
        user_id, channel_id = str(sent.arguments["user"]), str(sent.arguments["channel"])
        self.told.append(sent)
        for entry in self._shown(sent.arguments):
            self._judge_told(sent, user_id, entry)
        thread_ts = str(sent.arguments.get("thread_ts") or "")
        if thread_ts:  # hints to authors are told at least once
            self.whispered[user_id, channel_id, thread_ts].append(sent)
        self._check_truth(user_id, text)

    def _judge_told(self, sent: Sent, user_id: str, entry: Entry) -> None:
        if not any(one.may_read(user_id, entry) for one in self._lately(sent)):
            self.find("told to who may not see it", f"{entry.name} to {user_id}")
        if sent.at_s > entry.deletion_acked_s + UNDER_WAY_S + sent.owner.asleep_s(sent.at_s - 60):
            self.told_late.append((entry, user_id))

    def _check_truth(self, user_id: str, text: str) -> None:
        found = NO_SUCH.search(text)
        if found is None:
            return
        entry = self.numbered(int(found[1]))
        now_s = self._world.machine.now_s
        if entry is None or entry.deletion_sent_s < NEVER:
            return
        if not self._model.is_steady([entry.channel_id]):
            return  # it follows its channel, as soon as Slack tells of it
        if all(one.may_read(user_id, entry) for one in self._model.during(now_s - 90, now_s)):
            self.find("told an untruth", f"{user_id} about {entry.name}: {found[0]}")

    def _shown(self, content: Any) -> list[Entry]:
        """The entries whose words are in a message."""
        marks = {int(one) for one in MARK.findall(str(content))}
        found = [self._model.by_mark(mark) for mark in sorted(marks)]
        for entry in found:
            self.settle_seen(entry)
        return found

    def settle_seen(self, entry: Entry) -> None:
        until_s = min(entry.acked_s, self._world.machine.now_s)
        entry.seen = {
            seen
            for one in self._model.during(entry.sent_s - 1.0, until_s)
            for seen in one.seen_by(entry.channel_id)
        }
        entry.closed_s = self._model.closed_s(entry.channel_id, entry.sent_s)

    def _lately(self, sent: Sent) -> list[Any]:
        """How the workspace was at any moment that the sender may have gone by."""
        since_s = sent.at_s - BELIEVED_S
        since_s -= sent.owner.asleep_s(since_s) + self._world.slept_s(since_s)
        return self._model.during(since_s, sent.at_s)

    def question(self, channel_id: str, ts: str) -> Asked | None:
        found = (one for one in self._model.asked if (one.channel_id, one.ts) == (channel_id, ts))
        return next(found, None)

    def numbered(self, number: int) -> Entry | None:
        return next((one for one in self._model.entries if one.number == number), None)

    def is_full(self, user_id: str) -> bool:
        return user_id in self._model.facts[-1].full


def _metadata(sent: Sent) -> tuple[str, str]:
    """The type and the key under which a message was sent."""
    metadata = sent.arguments.get("metadata") or {}
    if isinstance(metadata, str):
        metadata = json.loads(metadata)
    payload = metadata.get("event_payload") or {}
    return str(metadata.get("event_type") or ""), str(payload.get("key") or "")
