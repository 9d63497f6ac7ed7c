"""The state of one workspace, its look-ups, and the ids that Slack would give."""

from __future__ import annotations

import random
import string
from collections.abc import Iterator, Sequence

from failbot.sandbox import payloads
from failbot.sandbox.clock import Clock
from failbot.sandbox.refusal import JsonObject
from failbot.sandbox.state import AppSettings, Channel, ChannelKind, File, Message, Person

_ID_LETTERS = string.ascii_uppercase + string.digits
SLACKBOT = "USLACKBOT"


class Workspace:
    """People, channels and messages of one team; not thread-safe, callers hold the core's lock."""

    def __init__(self, *, team_id: str, domain: str, name: str, app: AppSettings, clock: Clock):
        self.team_id = team_id
        self.domain = domain
        self.name = name
        self.app = app
        self.clock = clock
        self.people: dict[str, Person] = {}
        self.channels: dict[str, Channel] = {}
        self.messages: dict[str, list[Message]] = {}
        self._by_ts: dict[tuple[str, str], Message] = {}
        self._threads: dict[tuple[str, str], list[Message]] = {}
        self._used_ts: set[int] = set()
        self._random = random.Random(0)

    def new_id(self, prefix: str) -> str:
        """A fresh Slack-like id of 11 characters."""
        return prefix + "".join(self._random.choices(_ID_LETTERS, k=11 - len(prefix)))

    def new_ts(self) -> str:
        """A timestamp by the clock, unique in the workspace."""
        micros = int(self.clock.time() * 1_000_000)
        while micros in self._used_ts:
            micros += 1
        self._used_ts.add(micros)
        return f"{micros // 1_000_000}.{micros % 1_000_000:06d}"

    @property
    def bot(self) -> Person:
        """The app's bot user."""
        return self.people[self.app.bot_user_id]

    def add_person(self, person: Person) -> Person:
        """Take in a person, with a direct-message channel to the bot."""
        self.people[person.id] = person
        return person

    def add_channel(
        self, name: str, kind: ChannelKind, *, members: list[str], channel_id: str | None = None
    ) -> Channel:
        """A new conversation; the first member is its creator."""
        prefix = "D" if kind == "im" else "C"
        channel = Channel(
            id=channel_id or self.new_id(prefix),
            name=name,
            kind=kind,
            created=int(self.clock.time()),
            creator=members[0] if members else self.app.bot_user_id,
            members=list(members),
        )
        self.channels[channel.id] = channel
        self.messages[channel.id] = []
        return channel

    def im_with(self, user_id: str, other_id: str) -> Channel:
        """The direct-message channel of two people, opened if there is none."""
        for channel in self.channels.values():
            if channel.kind == "im" and set(channel.members) == {user_id, other_id}:
                return channel
        return self.add_channel("", "im", members=[user_id, other_id])

    def channel_named(self, name: str) -> Channel | None:
        """A public or private channel by name."""
        return next((c for c in self.channels.values() if c.name and c.name == name), None)

    def find(self, channel_id: str, ts: str) -> Message | None:
        """A message by channel and ts, ephemeral ones included."""
        return self._by_ts.get((channel_id, ts))

    def add_message(self, msg: Message) -> None:
        """Take a message into its channel and thread."""
        self.messages[msg.channel_id].append(msg)
        self._by_ts[msg.channel_id, msg.ts] = msg
        if msg.is_reply and msg.visible_to is None:
            self._threads.setdefault((msg.channel_id, str(msg.thread_ts)), []).append(msg)

    def remove_message(self, msg: Message) -> None:
        """Forget a message."""
        self.messages[msg.channel_id].remove(msg)
        del self._by_ts[msg.channel_id, msg.ts]
        if msg.is_reply and msg.visible_to is None:
            self._threads[msg.channel_id, str(msg.thread_ts)].remove(msg)

    def stored(self, channel_id: str) -> Iterator[Message]:
        """The messages of a channel that its history has: all but the ephemeral ones."""
        return (m for m in self.messages.get(channel_id, []) if m.visible_to is None)

    def replies(self, channel_id: str, thread_ts: str) -> list[Message]:
        """The replies of a thread, oldest first, without its parent."""
        return list(self._threads.get((channel_id, thread_ts), []))

    def message_payload(self, msg: Message) -> JsonObject:
        """The message as the Web API and events describe it."""
        author = self.people.get(msg.user_id) or Person(msg.user_id, "", "", self.team_id)
        return payloads.message(
            msg,
            app=self.app,
            author=author,
            is_foreign=self.is_foreign(author),
            replies=[] if msg.is_reply else self.replies(msg.channel_id, msg.ts),
        )

    def is_foreign(self, person: Person) -> bool:
        """True for someone of another workspace."""
        return person.team_id != self.team_id

    def user_payload(self, person: Person) -> JsonObject:
        """The person as the Web API and events describe them to the app."""
        meets_app = any(
            channel.is_shared and {person.id, self.app.bot_user_id} <= set(channel.members)
            for channel in self.channels.values()
        )
        is_stranger = self.is_foreign(person) and not meets_app
        return payloads.user(person, self.clock.now(), is_stranger=is_stranger)

    def group_of(self, user_ids: Sequence[str]) -> Channel:
        """The group direct message of exactly these people, begun if there is none."""
        for channel in self.channels.values():
            if channel.kind == "mpim" and set(channel.members) == set(user_ids):
                return channel
        names = "--".join(self.people[user_id].name for user_id in user_ids)
        return self.add_channel(f"mpdm-{names}-1", "mpim", members=list(user_ids))

    def permalink(self, msg: Message) -> str:
        """The address of a message, as chat.getPermalink gives it."""
        link = (
            f"https://{self.domain}.slack.com/archives/{msg.channel_id}/p{msg.ts.replace('.', '')}"
        )
        return f"{link}?thread_ts={msg.thread_ts}&cid={msg.channel_id}" if msg.is_reply else link

    def new_file(self, name: str, user_id: str) -> File:
        """A file record for sharing in a message."""
        file_id = self.new_id("F")
        link = f"https://{self.domain}.slack.com/files/{user_id}/{file_id}/{name}"
        return File(file_id, name, user_id, int(self.clock.time()), link)

    def resolve(self, sigil: str, name: str) -> str | None:
        """The markup for `@name`, `@U…`, `#name`, `@channel`; None if nobody is called so."""
        if sigil == "#":
            channel = self.channel_named(name.lower())
            return f"<#{channel.id}|{channel.name}>" if channel else None
        if name in ("channel", "here", "everyone"):
            return f"<!{name}>"
        for person in self.people.values():
            if name in (person.id, person.name):
                return f"<@{person.id}>"
        return None
