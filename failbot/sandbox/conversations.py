"""What can happen in conversations, with the events that it sends; for people and the app alike.

Rules of permission are the callers': the Web API refuses, a person is not offered it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from failbot.sandbox.core import Core
from failbot.sandbox.events import Events
from failbot.sandbox.refusal import JsonObject, PersonError
from failbot.sandbox.state import Channel, ChannelKind, File, Message

# docs.slack.dev, admin.conversations.convertToPrivate and the channel_convert_to_… messages.
CONVERSIONS = {("public", "private"), ("private", "public"), ("mpim", "private")}
CONVERTED = {
    "private": "made this channel *private*. Now, it can only be viewed or joined by invitation.",
    "public": "made this channel *public*. Any member in this workspace can see and join it.",
}


@dataclass(frozen=True, slots=True)
class Content:
    """What a message holds, whoever posts it."""

    text: str = ""
    blocks: list[JsonObject] = field(default_factory=list)
    metadata: JsonObject | None = None
    files: list[File] = field(default_factory=list)


class Conversations:
    """Changes of channels and messages; each sends its events; any thread may call."""

    def __init__(self, core: Core, events: Events) -> None:
        self._core = core
        self._events = events
        self._workspace = core.workspace

    def post(
        self,
        channel: Channel,
        content: Content,
        *,
        user_id: str,
        thread_ts: str | None = None,
        visible_to: str | None = None,
        client_msg_id: str | None = None,
    ) -> Message:
        """A new message; `visible_to` makes it ephemeral, which sends no event."""
        is_app = user_id == self._core.app.bot_user_id
        with self._core.changing():
            msg = Message(
                channel_id=channel.id,
                ts=self._workspace.new_ts(),
                user_id=user_id,
                text=content.text,
                blocks=content.blocks,
                metadata=content.metadata,
                files=content.files,
                thread_ts=thread_ts,
                bot_id=self._core.app.bot_id if is_app else None,
                app_id=self._core.app.app_id if is_app else None,
                subtype="file_share" if content.files else None,
                visible_to=visible_to,
                client_msg_id=client_msg_id,
            )
            self._workspace.add_message(msg)
            parent = self._workspace.find(channel.id, thread_ts) if is_app and thread_ts else None
            if parent is not None:
                parent.status = ""
            if visible_to is None:
                self._events.posted(channel, msg)
            return msg

    def set_status(self, parent: Message, status: str) -> None:
        """What the app says it does in this message's thread; its next message there ends it.

        Slack also ends it after two minutes (docs.slack.dev, assistant.threads.setStatus).
        """
        with self._core.changing():
            parent.status = status

    def edit(self, msg: Message, content: Content, *, user_id: str, mark: bool = True) -> None:
        """New content for a message; `mark` shows it as edited."""
        with self._core.changing():
            before = self._workspace.message_payload(msg)
            msg.text, msg.blocks = content.text, content.blocks
            msg.metadata = content.metadata if content.metadata is not None else msg.metadata
            if mark:
                msg.edited_by, msg.edited_ts = user_id, self._workspace.new_ts()
            if msg.visible_to is None:
                self._events.edited(self._workspace.channels[msg.channel_id], msg, before=before)

    def delete(self, msg: Message) -> None:
        """Remove a message; the parent of a living thread leaves a tombstone."""
        with self._core.changing():
            before = self._workspace.message_payload(msg)
            if not msg.is_reply and self._workspace.replies(msg.channel_id, msg.ts):
                msg.subtype, msg.text = "tombstone", "This message was deleted."
                msg.blocks, msg.files = [], []
                msg.metadata, msg.user_id, msg.bot_id = None, "USLACKBOT", None
            else:
                self._workspace.remove_message(msg)
            if msg.visible_to is None:
                self._events.deleted(self._workspace.channels[msg.channel_id], before=before)

    def join(self, channel: Channel, user_id: str, *, inviter: str | None = None) -> None:
        """Make someone a member; nothing happens if they are one.

        :raises PersonError: a direct message, or a channel that is not open to this outsider.
        """
        with self._core.changing():
            if user_id in channel.members:
                return
            self._check_may_enter(channel, user_id)
            channel.members.append(user_id)
            self._events.membership(channel, "member_joined_channel", user_id, inviter)
            kind = "group_join" if channel.kind == "private" else "channel_join"
            self._system(channel, kind, user_id, f"<@{user_id}> has joined the channel")

    def leave(self, channel: Channel, user_id: str) -> None:
        """End a membership; the bot itself is told by channel_left or group_left."""
        with self._core.changing():
            if user_id not in channel.members:
                return
            channel.members.remove(user_id)
            if user_id == self._core.app.bot_user_id:
                left = {"channel": channel.id, "actor_id": channel.creator}
                self._events.of_channel(channel, "left", left)
                return
            self._events.membership(channel, "member_left_channel", user_id, None)
            kind = "group_leave" if channel.kind == "private" else "channel_leave"
            self._system(channel, kind, user_id, f"<@{user_id}> has left the channel")

    def _check_may_enter(self, channel: Channel, user_id: str) -> None:
        person = self._workspace.people[user_id]
        if channel.kind in ("im", "mpim"):
            raise PersonError("nobody joins a direct message; another one is begun")
        if not self._workspace.is_foreign(person) or channel.is_org_shared:
            return
        if person.team_id not in channel.connected_team_ids:
            raise PersonError(f"{channel.id} is not shared with {person.team_id}")

    def share(self, channel: Channel, team_id: str) -> None:
        """Connect another company, invited before or not."""
        with self._core.changing():
            if team_id in channel.pending_team_ids:
                channel.pending_team_ids.remove(team_id)
            if team_id not in channel.connected_team_ids:
                channel.connected_team_ids.append(team_id)
                self._events.shared(channel, team_id)

    def unshare(self, channel: Channel, team_id: str) -> None:
        """Disconnect another company: its people are gone, without an event for each."""
        with self._core.changing():
            if team_id not in channel.connected_team_ids:
                return
            channel.connected_team_ids.remove(team_id)
            people = self._workspace.people
            channel.members = [m for m in channel.members if people[m].team_id != team_id]
            self._events.unshared(channel, team_id)

    def archive(self, channel: Channel, user_id: str, *, archived: bool = True) -> None:
        """Archive or reopen a channel."""
        with self._core.changing():
            channel.is_archived = archived
            name = "archive" if archived else "unarchive"
            self._events.of_channel(channel, name, {"channel": channel.id, "user": user_id})

    def rename(self, channel: Channel, name: str) -> None:
        """Give a channel another name; its id stays."""
        with self._core.changing():
            channel.previous_names.insert(0, channel.name)
            channel.name = name
            renamed = {"id": channel.id, "name": name, "created": channel.created}
            self._events.of_channel(channel, "rename", {"channel": renamed})

    def convert(self, channel: Channel, kind: ChannelKind, *, user_id: str) -> None:
        """Turn a public channel or a group message private, or a private channel public.

        The id stays. :raises PersonError: Slack has no such conversion.
        """
        with self._core.changing():
            if (channel.kind, kind) not in CONVERSIONS or channel.is_general:
                raise PersonError(f"{channel.id} cannot become {kind}")
            channel.kind = kind
            self._system(channel, f"channel_convert_to_{kind}", user_id, CONVERTED[kind])

    def remove(self, channel: Channel) -> None:
        """Delete a channel with all that was said in it."""
        with self._core.changing():
            self._events.of_channel(channel, "deleted", {"channel": channel.id})
            for msg in list(self._workspace.messages[channel.id]):
                self._workspace.remove_message(msg)
            del self._workspace.channels[channel.id], self._workspace.messages[channel.id]

    def _system(self, channel: Channel, subtype: str, user_id: str, text: str) -> None:
        msg = Message(channel.id, self._workspace.new_ts(), user_id, text, subtype=subtype)
        self._workspace.add_message(msg)
        self._events.message(channel, self._workspace.message_payload(msg))
