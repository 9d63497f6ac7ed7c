"""What a person sees: their channels, messages, modal, Home tab and notices."""

from __future__ import annotations

from decimal import Decimal

from failbot.sandbox import payloads
from failbot.sandbox.platform import Platform
from failbot.sandbox.refusal import JsonObject, PersonError
from failbot.sandbox.state import Channel, Message, Person, View


class Sight:
    """One person's eyes; read-only; any thread may use it."""

    def __init__(self, platform: Platform, user_id: str) -> None:
        self._platform = platform
        self._core = platform.core
        self._workspace = platform.workspace
        self.user_id = user_id
        if user_id not in self._workspace.people:
            raise PersonError(f"there is no person {user_id}")

    @property
    def _person(self) -> Person:
        person = self._workspace.people[self.user_id]
        if person.deleted:
            raise PersonError(f"{person.name} is deactivated and cannot sign in")
        return person

    def view(self) -> JsonObject | None:
        """The open modal with `errors` by block_id ("" for trouble with the app), or None."""
        with self._core.lock:
            view = self._platform.modals.current(self.user_id)
            return None if view is None else self._shown(view)

    def home(self) -> JsonObject | None:
        """The Home tab as published, or None."""
        with self._core.lock:
            home = self._platform.modals.homes.get(self.user_id)
            return None if home is None else self._shown(home)

    def notices(self) -> list[JsonObject]:
        """What Slack itself told this person: failed commands, trouble with the app."""
        with self._core.lock:
            return list(self._core.notices.get(self.user_id, []))

    def channels(self) -> list[JsonObject]:
        """The conversations that this person can see."""
        with self._core.lock:
            team_id = self._workspace.team_id
            return [
                payloads.conversation(c, team_id, viewer_id=self.user_id)
                for c in self._workspace.channels.values()
                if self._can_see(c)
            ]

    def messages(self, channel_id: str, thread_ts: str | None = None) -> list[JsonObject]:
        """A channel without its threads' replies, or one thread; only one's own ephemerals.

        Each message carries `permalink`, `ephemeral` and `status`, the app's in its thread.
        """
        with self._core.lock:
            self._visible(channel_id)
            return [self._seen(m) for m in self._timeline(channel_id, thread_ts)]

    def see(self) -> JsonObject:
        """Everything on this person's screen but the messages."""
        with self._core.lock:
            workspace = self._workspace
            return {
                "version": self._core.version,
                "now": self._platform.clock.now().isoformat(),
                "me": workspace.user_payload(workspace.people[self.user_id]),
                "people": [workspace.user_payload(p) for p in workspace.people.values()],
                "channels": self.channels(),
                "view": self.view(),
                "home": self.home(),
                "notices": self.notices(),
                "commands": sorted(self._core.app.commands),
            }

    def _timeline(self, channel_id: str, thread_ts: str | None) -> list[Message]:
        mine = [
            m for m in self._workspace.messages[channel_id] if m.visible_to in (None, self.user_id)
        ]
        if thread_ts is None:
            chosen = [m for m in mine if not m.is_reply]
        else:
            chosen = [m for m in mine if thread_ts in (m.ts, m.thread_ts)]
        return sorted(chosen, key=lambda m: Decimal(m.ts))

    def _seen(self, msg: Message) -> JsonObject:
        return self._workspace.message_payload(msg) | {
            "channel": msg.channel_id,
            "permalink": self._workspace.permalink(msg),
            "ephemeral": msg.visible_to is not None,
            "status": msg.status,
        }

    def _shown(self, view: View) -> JsonObject:
        return self._platform.modals.payload(view) | {"errors": dict(view.errors)}

    def _is_foreign(self) -> bool:
        return self._workspace.is_foreign(self._person)

    def _can_see(self, channel: Channel) -> bool:
        person = self._workspace.people[self.user_id]
        sees_all = not (person.is_guest or self._workspace.is_foreign(person))
        is_open = channel.kind == "public" and sees_all
        return is_open or self.user_id in channel.members

    def _visible(self, channel_id: str) -> Channel:
        channel = self._workspace.channels.get(channel_id)
        if channel is None or not self._can_see(channel):
            raise PersonError(f"{self.user_id} sees no channel {channel_id}")
        return channel

    def _open_channel(self, channel_id: str) -> Channel:
        channel = self._visible(channel_id)
        if self.user_id not in channel.members:
            raise PersonError(f"{self.user_id} is not a member of {channel_id}")
        if channel.is_archived:
            raise PersonError(f"{channel_id} is archived")
        return channel

    def _message(self, channel_id: str, ts: str) -> Message:
        self._visible(channel_id)
        msg = self._workspace.find(channel_id, ts)
        if msg is None or msg.visible_to not in (None, self.user_id):
            raise PersonError(f"{self.user_id} sees no message {ts} in {channel_id}")
        return msg
