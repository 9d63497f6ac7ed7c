"""Whether what was promised was kept: at each message that is sent, and at the end.

Each kind of broken promise has a name, by which `known` lists those that are not mended yet.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tests.simulation.model import MARK, NEVER, Asked, Entry, Seen, Word
from tests.simulation.wire import Sent

if TYPE_CHECKING:
    from failbot.sandbox.delivery import Delivery
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
    """Looks at what is sent and, at the end, at what is left."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._model = world.model
        self.broken: list[Broken] = []
        self._posted: dict[tuple[str, str, str], list[Sent]] = defaultdict(list)
        self._whispered: dict[tuple[str, str, str], list[Sent]] = defaultdict(list)
        self._told: list[Sent] = []
        self._told_late: list[tuple[Entry, str]] = []  # of what was to be deleted by then

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
            self._posted[channel_id, kind, key].append(sent)
        if channel_id.startswith("D"):
            self._told.append(sent)
        asked = self._question(channel_id, str(sent.arguments.get("thread_ts") or ""))
        if asked is not None and text.startswith(UNTRUE) and self._is_full(asked.user_id):
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
        self._told.append(sent)
        for entry in self._shown(sent.arguments):
            self._judge_told(sent, user_id, entry)
        thread_ts = str(sent.arguments.get("thread_ts") or "")
        if thread_ts:  # hints to authors are told at least once
            self._whispered[user_id, channel_id, thread_ts].append(sent)
        self._check_truth(user_id, text)

    def _judge_told(self, sent: Sent, user_id: str, entry: Entry) -> None:
        if not any(one.may_read(user_id, entry) for one in self._lately(sent)):
            self.find("told to who may not see it", f"{entry.name} to {user_id}")
        if sent.looked_at_s > entry.deletion_acked_s:
            self._told_late.append((entry, user_id))

    def _check_truth(self, user_id: str, text: str) -> None:
        found = NO_SUCH.search(text)
        if found is None:
            return
        entry = self._numbered(int(found[1]))
        now_s = self._world.machine.now_s
        if entry is None or entry.deletion_sent_s < NEVER:
            return
        if all(one.may_read(user_id, entry) for one in self._model.during(now_s - 90, now_s)):
            self.find("told an untruth", f"{user_id} about {entry.name}: {found[0]}")

    def _shown(self, content: Any) -> list[Entry]:
        """The entries whose words are in a message."""
        marks = {int(one) for one in MARK.findall(str(content))}
        found = [self._model.by_mark(mark) for mark in sorted(marks)]
        for entry in found:
            self._settle_seen(entry)
        return found

    def _settle_seen(self, entry: Entry) -> None:
        until_s = min(entry.acked_s, self._world.machine.now_s)
        entry.seen = {
            seen
            for one in self._model.during(entry.sent_s - 1.0, until_s)
            for seen in one.seen_by(entry.channel_id)
        }

    def _lately(self, sent: Sent) -> list[Any]:
        """How the workspace was at any moment that the sender may have gone by."""
        since_s = sent.at_s - BELIEVED_S
        since_s -= sent.owner.asleep_s(since_s) + self._world.slept_s(since_s)
        return self._model.during(since_s, sent.at_s)

    def _question(self, channel_id: str, ts: str) -> Asked | None:
        found = (one for one in self._model.asked if (one.channel_id, one.ts) == (channel_id, ts))
        return next(found, None)

    def _numbered(self, number: int) -> Entry | None:
        return next((one for one in self._model.entries if one.number == number), None)

    def _is_full(self, user_id: str) -> bool:
        return user_id in self._model.facts[-1].full

    # At the end

    def conclude(self) -> None:
        """Judges what is left when everything has come to rest."""
        rows = self._world.rows
        stored = defaultdict(list)
        for row in rows("SELECT * FROM failures"):
            for mark in sorted({int(one) for one in MARK.findall(str(row))}):
                stored[mark].append(row)
        for entry in self._model.entries:
            self._settle_seen(entry)
            self._judge_entry(entry, stored[entry.mark])
        for entry, user_id in self._told_late:
            if not any(map(self._was_refused, entry.deletions)):
                self.find("told of what is deleted", f"{entry.name} to {user_id}")
        for asked in self._model.asked:
            self._judge_asked(asked)
        for word in self._model.words:
            self._judge_word(word)
        self._judge_answers_to_commands()
        self._judge_schedules()
        self._judge_doubles()
        self._judge_kept_questions()
        waiting = rows("SELECT kind, attempts FROM inbox")
        if waiting:
            kind = "work waits out a clock's jump" if self._world.has_jumped else "work is left"
            self.find(kind, str(waiting))
        if rows("PRAGMA integrity_check")[0]["integrity_check"] != "ok":
            self.find("database damaged", "integrity_check")

    def _judge_entry(self, entry: Entry, rows: list[Any]) -> None:
        promised = [one for one in entry.deletions if not self._was_refused(one)]
        if promised and rows:
            created_s = datetime.fromisoformat(rows[0]["created_at"]).timestamp()
            is_back = created_s > entry.deletion_acked_s and not self._world.has_jumped
            self.find("deleted, it comes back" if is_back else "acked deletion lost", entry.name)
            return
        if entry.acked_s < NEVER and not rows and entry.deletion_sent_s == NEVER:
            self.find("acked entry lost", entry.name)
        if len(rows) > 1:
            self.find("logged twice", entry.name)
        if not rows:
            self._judge_traces(entry)
            return
        self._judge_edits(entry, rows[0])
        self._judge_place(entry, rows[0])
        if entry.acked_s < NEVER and entry.deletion_sent_s == NEVER:
            self._judge_card(entry, rows[0])

    def _was_refused(self, delivery: Delivery) -> bool:
        """Whether the person was told that it was not done."""
        payload = delivery.payload
        key = str(payload["response_url"]).rpartition("/")[2]
        user = payload.get("user") or {"id": payload.get("user_id")}
        sent_s = delivery.sent_at[0]
        return any(
            REFUSED.search(str(one.arguments.get("text")))
            for one in self._told
            if one.arguments.get("key") == key
            or (one.method != "response_url" and one.at_s >= sent_s)
            and user["id"] in (one.arguments.get("user"), one.arguments.get("channel"))
        )

    def _judge_traces(self, entry: Entry) -> None:
        """Nothing that is deleted stays visible in a channel."""
        if entry.deletion_sent_s == NEVER:
            return
        kinds = set()
        for channel_id, messages in self._world.platform.workspace.messages.items():
            for one in messages:
                is_public = one.bot_id and one.visible_to is None
                if is_public and entry.name in f"{one.text}{one.blocks}":
                    kind = KINDS.get((one.metadata or {}).get("event_type", ""), "message")
                    kinds.add((f"deleted, its {kind} stays", channel_id))
        for kind, channel_id in sorted(kinds):
            self.find(kind, f"{entry.name} in {channel_id}")

    def _judge_edits(self, entry: Entry, row: Any) -> None:
        versions = self._world.rows(
            "SELECT draft FROM versions WHERE failure_id = ?", [row["id"]]
        )
        texts = str(row) + str(versions)
        for edit in entry.edits:
            if edit.acked_s < NEVER and f" {edit.rev} " not in texts:
                self.find("acked edit lost", f"{entry.name} {edit.rev}")

    def _judge_place(self, entry: Entry, row: Any) -> None:
        stored = Seen(row["visibility"])
        if stored in entry.seen or not entry.seen or entry.acked_s == NEVER:
            return
        if entry.seen == {Seen.WORKSPACE} and self._turned_private(entry.channel_id):
            return  # it may follow its channel
        kind = "public for good" if stored is Seen.WORKSPACE else "private for good"
        seen = "/".join(sorted(entry.seen))
        self.find(f"entry {kind}", f"{entry.name}: {stored} instead of {seen}")

    def _turned_private(self, channel_id: str) -> bool:
        return any(Seen.CHANNEL in one.seen_by(channel_id) for one in self._model.facts)

    def _judge_card(self, entry: Entry, row: Any) -> None:
        if not entry.wants_card:
            return
        cards = [
            one
            for one in self._world.platform.workspace.messages[entry.channel_id]
            if one.bot_id and (one.metadata or {}).get("event_type") == "failbot_card"
            if entry.name in f"{one.text}{one.blocks}"
        ]
        if not cards:
            if not self._world.rows("SELECT 1 FROM inbox WHERE kind = 'show_card'"):
                self.find("card missing", entry.name)
            return
        newest = [edit for edit in entry.edits if f" {edit.rev} " in row["title"] + " "]
        if newest and all(f" {newest[-1].rev}" not in f"{one.text}{one.blocks}" for one in cards):
            self.find("card out of date", f"{entry.name} lacks {newest[-1].rev}")

    def _judge_asked(self, asked: Asked) -> None:
        if not self._is_acked(asked):
            return
        replies = [
            one
            for one in self._world.platform.workspace.replies(asked.channel_id, asked.ts)
            if one.bot_id
        ]
        if not replies and not self._world.has_jumped:  # else it may be work that waits
            self.find("question never answered", f"{asked.ts} in {asked.channel_id}")

    def _is_acked(self, asked: Asked) -> bool:
        for one in self._world.platform.deliveries.all:
            event = one.payload.get("event") or {}
            if event.get("ts") == asked.ts and event.get("channel") == asked.channel_id:
                if one.status == "acked" and event.get("type") in ("message", "app_mention"):
                    return True
        return False

    def _judge_word(self, word: Word) -> None:
        if word.delivery is None or not self._is_full(word.user_id):
            return
        if self._was_refused(word.delivery):
            return
        entry = self._numbered(word.number) or self._world.entry_of(word.number)
        if entry is None or entry.deletion_sent_s < NEVER:
            return
        during = self._model.during(word.sent_s - BELIEVED_S, self._world.machine.now_s)
        if not all(one.may_read(word.user_id, entry) for one in during):
            return
        rows = self._world.rows(
            "SELECT helped FROM feedback JOIN failures ON failures.id = failure_id"
            " WHERE question_id = ? AND number = ? AND user_id = ?",
            [word.question_id, word.number, word.user_id],
        )
        if [bool(one["helped"]) for one in rows] != [word.helped]:
            self.find("acked feedback lost", f"{word.user_id} on F-{word.number}")

    def _judge_answers_to_commands(self) -> None:
        """Each command was answered by its own address, or else to the person, in that place."""
        for typed in self._model.typed:
            if typed.delivery.status != "acked":
                continue
            key = str(typed.delivery.payload["response_url"]).rpartition("/")[2]
            answered = any(
                one.arguments.get("key") == key
                or (one.method != "response_url" and one.at_s >= typed.at_s)
                and typed.user_id in (one.arguments.get("user"), one.arguments.get("channel"))
                for one in self._told
            )
            if not answered:
                self.find("command never answered", f"{typed.text} of {typed.user_id}")

    def _judge_schedules(self) -> None:
        latest = {one.channel_id: one for one in self._model.scheduled}
        counts = defaultdict(int)
        for one in self._model.scheduled:
            counts[one.channel_id] += 1
        for channel_id, one in latest.items():
            if counts[channel_id] > 1 or one.typed.delivery.status != "acked":
                continue
            rows = self._world.rows("SELECT * FROM schedules WHERE channel_id = ?", [channel_id])
            if not self._is_full(one.typed.user_id) or self._was_refused(one.typed.delivery):
                continue
            if not rows:
                self.find("acked schedule lost", f"{channel_id} of {one.typed.user_id}")
            elif self._is_due(one):
                self._judge_digest(one)

    def _is_due(self, one: Any) -> bool:
        acked_s = one.typed.delivery.acked_at or NEVER
        is_long_ago = one.due_s < self._world.machine.now_s - 400
        return not one.skew_s and not self._world.has_jumped and acked_s < one.due_s and is_long_ago

    def _judge_digest(self, one: Any) -> None:
        """There was something to tell, to whom it may be told, and it was not told."""
        told = [
            entry
            for entry in self._model.entries
            if entry.acked_s < one.due_s - 60 and entry.deletion_sent_s == NEVER
            if entry.seen == {Seen.WORKSPACE}
            if self._model.is_steady([entry.channel_id, one.channel_id])
            if self._model.facts[0].may_show(one.channel_id, entry)
        ]
        channel = one.channel_id
        posted = [key for key in self._posted if key[0] == channel and key[1] == "failbot_digest"]
        if told and not posted:
            self.find("digest missed", f"{channel}: {told[0].name} is not told")

    def _judge_doubles(self) -> None:
        for (channel_id, kind, key), sent in sorted(self._posted.items()):
            if _is_doubled(sent):
                name = KINDS.get(kind, kind)
                self.find(f"{name} posted twice", f"{key} in {channel_id}")
        for (user_id, channel_id, thread_ts), sent in sorted(self._whispered.items()):
            if _is_doubled(sent):
                words = f"{thread_ts} to {user_id} in {channel_id}"
                self.find("private answer whispered twice", words)

    def _judge_kept_questions(self) -> None:
        for row in self._world.rows("SELECT * FROM questions"):
            asked = self._question(row["channel_id"], row["message_ts"])
            if asked is None or row["visibility"] != Seen.WORKSPACE:
                continue
            answered_s = self._answered_s(asked)
            meant = {
                seen
                for one in self._model.during(asked.at_s - 1.0, answered_s)
                for seen in one.seen_by(asked.channel_id)
            }
            if Seen.WORKSPACE not in meant:
                self.find("question public for good", f"{asked.ts} in {asked.channel_id}")

    def _answered_s(self, asked: Asked) -> float:
        replies = self._world.platform.workspace.replies(asked.channel_id, asked.ts)
        times = [float(one.ts) for one in replies if one.bot_id]
        return min(times, default=self._world.machine.now_s)


def _metadata(sent: Sent) -> tuple[str, str]:
    """The type and the key under which a message was sent."""
    metadata = sent.arguments.get("metadata") or {}
    if isinstance(metadata, str):
        metadata = json.loads(metadata)
    payload = metadata.get("event_payload") or {}
    return str(metadata.get("event_type") or ""), str(payload.get("key") or "")


def _is_doubled(sent: list[Sent]) -> bool:
    """Whether one of them was sent by who could have known of another."""
    return any(
        not _is_excused(first, second) for first, second in zip(sent, sent[1:], strict=False)
    )


def _is_excused(first: Sent, second: Sent) -> bool:
    """README: who is paused between looking and sending can still send twice.

    The second's sender had looked into the database just before it sent, and there the first's had
    not taken the job over yet; or the first, who had looked just before, was still under way when
    the second's, who had taken the job over, looked for its message in vain.
    """
    lost_it = second.has_just_looked and second.looked_at_s <= first.claimed_at_s
    missed_it = first.has_just_looked and (
        first.looked_at_s <= second.claimed_at_s <= second.searched_at_s <= first.at_s
    )
    return lost_it or missed_it
