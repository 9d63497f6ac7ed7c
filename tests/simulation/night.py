"""Whether what was promised was kept, judged when everything has come to rest."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tests.simulation.judge import BELIEVED_S, KINDS, REFUSED
from tests.simulation.model import MARK, NEVER, Asked, Entry, Scheduled, Seen, Word
from tests.simulation.wire import Sent

if TYPE_CHECKING:
    from failbot.sandbox.delivery import Delivery
    from tests.simulation.judge import Judge
    from tests.simulation.world import World

DUE_S = 400.0  # a digest's moment lies so far back: its lease and a retry are over


class Night:
    """Looks at what is left in the database and in Slack."""

    def __init__(self, world: World, judge: Judge) -> None:
        self._world, self._judge = world, judge
        self._model = world.model

    def conclude(self) -> None:
        """Judges what is left when everything has come to rest."""
        rows = self._world.rows
        stored = defaultdict(list)
        for row in rows("SELECT * FROM failures"):
            for mark in sorted({int(one) for one in MARK.findall(str(row))}):
                stored[mark].append(row)
        for entry in self._model.entries:
            self._judge.settle_seen(entry)
            self._judge_entry(entry, stored[entry.mark])
        for entry, user_id in self._judge.told_late:
            if not any(map(self._was_refused, entry.deletions)):
                self._judge.find("told of what is deleted", f"{entry.name} to {user_id}")
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
            self._judge.find(kind, str(waiting))
        if rows("PRAGMA integrity_check")[0]["integrity_check"] != "ok":
            self._judge.find("database damaged", "integrity_check")

    def _judge_entry(self, entry: Entry, rows: list[Any]) -> None:
        promised = [one for one in entry.deletions if not self._was_refused(one)]
        if promised and rows:
            created_s = datetime.fromisoformat(rows[0]["created_at"]).timestamp()
            is_back = created_s > entry.deletion_acked_s and not self._world.has_jumped
            kind = "deleted, it comes back" if is_back else "acked deletion lost"
            self._judge.find(kind, entry.name)
            return
        if entry.acked_s < NEVER and not rows and entry.deletion_sent_s == NEVER:
            self._judge.find("acked entry lost", entry.name)
        if len(rows) > 1:
            self._judge.find("logged twice", entry.name)
        if not rows:
            self._judge_traces(entry)
            return
        self._judge_edits(entry, rows[0])
        self._judge_place(entry, rows[0])
        if entry.acked_s < NEVER and entry.deletion_sent_s == NEVER:
            self._judge_card(entry, rows[0])

    def _was_refused(self, delivery: Delivery) -> bool:
        """Whether the person was told that it was not done."""
        return any(
            REFUSED.search(str(one.arguments.get("text")))
            for one in self._judge.told
            if _answers(delivery, one.at_s, one.arguments)
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
            self._judge.find(kind, f"{entry.name} in {channel_id}")

    def _judge_edits(self, entry: Entry, row: Any) -> None:
        versions = self._world.rows("SELECT draft FROM versions WHERE failure_id = ?", [row["id"]])
        texts = str(row) + str(versions)
        for edit in entry.edits:
            if edit.acked_s < NEVER and f" {edit.rev} " not in texts:
                self._judge.find("acked edit lost", f"{entry.name} {edit.rev}")

    def _judge_place(self, entry: Entry, row: Any) -> None:
        stored = Seen(row["visibility"])
        if stored in entry.seen or not entry.seen or entry.acked_s == NEVER:
            return
        if entry.seen == {Seen.WORKSPACE} and self._turned_private(entry.channel_id):
            return  # it follows its channel
        kind = "public for good" if stored is Seen.WORKSPACE else "private for good"
        seen = "/".join(sorted(entry.seen))
        self._judge.find(f"entry {kind}", f"{entry.name}: {stored} instead of {seen}")

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
                self._judge.find("card missing", entry.name)
            return
        newest = [edit for edit in entry.edits if f" {edit.rev} " in row["title"] + " "]
        if newest and all(f" {newest[-1].rev}" not in f"{one.text}{one.blocks}" for one in cards):
            self._judge.find("card out of date", f"{entry.name} lacks {newest[-1].rev}")

    def _judge_asked(self, asked: Asked) -> None:
        if not self._is_acked(asked):
            return
        replies = [
            one
            for one in self._world.platform.workspace.replies(asked.channel_id, asked.ts)
            if one.bot_id
        ]
        if not replies and not self._world.has_jumped:  # else it may be work that waits
            self._judge.find("question never answered", f"{asked.ts} in {asked.channel_id}")

    def _is_acked(self, asked: Asked) -> bool:
        for one in self._world.platform.deliveries.all:
            event = one.payload.get("event") or {}
            is_this = (event.get("channel"), event.get("ts")) == (asked.channel_id, asked.ts)
            is_taken = one.status == "acked" and event.get("type") in ("message", "app_mention")
            if is_this and is_taken:
                return True
        return False

    def _judge_word(self, word: Word) -> None:
        if word.delivery is None or not self._judge.is_full(word.user_id):
            return
        if self._was_refused(word.delivery):
            return
        entry = self._judge.numbered(word.number) or self._world.entry_of(word.number)
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
            self._judge.find("acked feedback lost", f"{word.user_id} on F-{word.number}")

    def _judge_answers_to_commands(self) -> None:
        """Each command was answered once at most; what may have arrived is not said again."""
        for typed in self._model.typed:
            if typed.delivery.status != "acked":
                continue
            told = [(one.at_s, one.arguments) for one in self._judge.told]
            may_be_told = [*told, *self._judge.lost_whispers]
            if not any(_answers(typed.delivery, at_s, said) for at_s, said in may_be_told):
                self._judge.find("command never answered", f"{typed.text} of {typed.user_id}")

    def _judge_schedules(self) -> None:
        """Of channels for which a digest was asked once, so that no order is in doubt."""
        counts = Counter(one.channel_id for one in self._model.scheduled)
        for one in self._model.scheduled:
            delivery, channel_id = one.typed.delivery, one.channel_id
            is_done = delivery.status == "acked" and not self._was_refused(delivery)
            if counts[channel_id] > 1 or not is_done or not self._judge.is_full(one.typed.user_id):
                continue
            if not self._world.rows("SELECT 1 FROM schedules WHERE channel_id = ?", [channel_id]):
                self._judge.find("acked schedule lost", f"{channel_id} of {one.typed.user_id}")
            elif self._is_due(one):
                self._judge_digest(one)

    def _is_due(self, one: Scheduled) -> bool:
        acked_s = one.typed.delivery.acked_at or NEVER
        is_long_ago = one.due_s < self._world.machine.now_s - DUE_S
        return not self._world.has_jumped and acked_s < one.due_s and is_long_ago

    def _judge_digest(self, one: Scheduled) -> None:
        """There was something to tell, to whom it may be told, and it was not told."""
        told = [
            entry
            for entry in self._model.entries
            if entry.acked_s < one.due_s - 60 and entry.deletion_sent_s == NEVER
            if entry.seen == {Seen.WORKSPACE}
            if self._model.is_steady([entry.channel_id, one.channel_id])
            if self._model.facts[0].may_show(one.channel_id, entry)
        ]
        digests = {channel for channel, kind, _ in self._judge.posted if kind == "failbot_digest"}
        if told and one.channel_id not in digests:
            self._judge.find("digest missed", f"{one.channel_id}: {told[0].name} is not told")

    def _judge_doubles(self) -> None:
        for (channel_id, kind, key), sent in sorted(self._judge.posted.items()):
            if _is_doubled(sent):
                name = KINDS.get(kind, kind)
                self._judge.find(f"{name} posted twice", f"{key} in {channel_id}")
        for (user_id, channel_id, thread_ts), sent in sorted(self._judge.whispered.items()):
            if _is_doubled(sent):
                words = f"{thread_ts} to {user_id} in {channel_id}"
                self._judge.find("private answer whispered twice", words)

    def _judge_kept_questions(self) -> None:
        for row in self._world.rows("SELECT * FROM questions"):
            asked = self._judge.question(row["channel_id"], row["message_ts"])
            if asked is None or row["visibility"] != Seen.WORKSPACE:
                continue
            answered_s = self._answered_s(asked)
            meant = {
                seen
                for one in self._model.during(asked.at_s - 1.0, answered_s)
                for seen in one.seen_by(asked.channel_id)
            }
            if Seen.WORKSPACE not in meant:
                self._judge.find("question public for good", f"{asked.ts} in {asked.channel_id}")

    def _answered_s(self, asked: Asked) -> float:
        replies = self._world.platform.workspace.replies(asked.channel_id, asked.ts)
        times = [float(one.ts) for one in replies if one.bot_id]
        return min(times, default=self._world.machine.now_s)


def _answers(delivery: Delivery, at_s: float, said: dict[str, Any]) -> bool:
    """Whether this went to the request's own address, or else to who sent it, later."""
    payload = delivery.payload
    if "key" in said:
        return bool(said["key"] == str(payload["response_url"]).rpartition("/")[2])
    user_id = payload.get("user_id") or payload["user"]["id"]
    return at_s >= delivery.sent_at[0] and user_id in (said.get("user"), said.get("channel"))


def _is_doubled(sent: list[Sent]) -> bool:
    """Whether one of them was sent by who could have known of another."""
    return any(not _is_excused(first, second) for first, second in pairwise(sent))


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
