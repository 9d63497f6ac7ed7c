"""What happens in a workspace: people come and go, channels are shared, converted, archived.

Each sends the events that Slack sends for it, to an app that is subscribed and may know.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from failbot.sandbox.hands import Hands
from failbot.sandbox.state import ChannelKind, Person

OTHER_TEAM = "T0PARTNER01"  # another company, where a test needs only one


class Changes(Hands):
    """The workspace's life; whoever does something is its creator unless named; any thread."""

    # People

    def add_person(self, name: str, **traits: Any) -> str:
        """A new person's id; traits are the fields of `Person` (is_admin, team_id, tz, …)."""
        with self._core.changing():
            workspace = self._platform.workspace
            traits = {"real_name": name.title(), "team_id": workspace.team_id} | traits
            person = Person(traits.pop("id", None) or workspace.new_id("U"), name, **traits)
            workspace.add_person(person)
            return person.id

    def add_guest(
        self, name: str, *, channels: Sequence[str] = (), single_channel: bool = False
    ) -> str:
        """A guest of this workspace, in these channels; the id."""
        user_id = self.add_person(name, is_restricted=True, is_ultra_restricted=single_channel)
        return self._brought(user_id, channels)

    def add_outsider(
        self, name: str, *, team_id: str = OTHER_TEAM, channels: Sequence[str] = ()
    ) -> str:
        """Someone of another company, in channels that are shared with it; the id.

        Without a channel in common with the app they are a stranger to it.
        """
        return self._brought(self.add_person(name, team_id=team_id), channels)

    def _brought(self, user_id: str, channels: Sequence[str]) -> str:
        for channel_id in channels:
            self.join(channel_id, user_id)
        return user_id

    def change_person(self, user_id: str, **traits: Any) -> None:
        """Set fields of a person (deleted=True deactivates); the app gets user_change."""
        with self._core.changing():
            person = self._person(user_id)
            for name, value in traits.items():
                setattr(person, name, value)
            self._platform.events.user_change(user_id)

    def join(self, channel_id: str, user_id: str, *, inviter: str | None = None) -> None:
        """Make anyone (the bot, too) a member: member_joined_channel.

        :raises PersonError: an outsider, where the channel is not shared; a direct message.
        """
        self._platform.conversations.join(self._channel(channel_id), user_id, inviter=inviter)

    def leave(self, channel_id: str, user_id: str) -> None:
        """Remove anyone: member_left_channel; the bot: channel_left or group_left."""
        self._platform.conversations.leave(self._channel(channel_id), user_id)

    # Channels

    def add_channel(
        self,
        name: str,
        *,
        kind: ChannelKind = "public",
        members: list[str] | None = None,
        with_bot: bool = True,
        is_ext_shared: bool = False,
    ) -> str:
        """A new channel's id; `is_ext_shared` connects another company from the start."""
        with self._core.changing():
            bot = [self._platform.app.bot_user_id] if with_bot else []
            channel = self._platform.workspace.add_channel(
                name, kind, members=[*(members or []), *bot]
            )
            channel.connected_team_ids = [OTHER_TEAM] if is_ext_shared else []
            return channel.id

    def add_group(self, members: Sequence[str], *, with_bot: bool = True) -> str:
        """The id of the group direct message (mpim) of these people, begun if there is none."""
        with self._core.changing():
            bot = [self._platform.app.bot_user_id] if with_bot else []
            return self._platform.workspace.group_of([*members, *bot]).id

    def rename(self, channel_id: str, name: str) -> None:
        """Another name for the same id: channel_rename or group_rename."""
        self._platform.conversations.rename(self._channel(channel_id), name)

    def archive(self, channel_id: str, *, by: str | None = None) -> None:
        """Archive a channel: channel_archive or group_archive."""
        channel = self._channel(channel_id)
        self._platform.conversations.archive(channel, by or channel.creator)

    def unarchive(self, channel_id: str, *, by: str | None = None) -> None:
        """Reopen it: channel_unarchive or group_unarchive."""
        channel = self._channel(channel_id)
        self._platform.conversations.archive(channel, by or channel.creator, archived=False)

    def convert(self, channel_id: str, kind: ChannelKind, *, by: str | None = None) -> None:
        """Turn public into private, private into public, or a group message into a channel.

        Slack sends a message of subtype channel_convert_to_… for it, and nothing else.
        :raises PersonError: there is no such conversion (of #general, of a direct message).
        """
        channel = self._channel(channel_id)
        self._platform.conversations.convert(channel, kind, user_id=by or channel.creator)

    def remove_channel(self, channel_id: str) -> None:
        """Delete a channel with its messages: channel_deleted or group_deleted."""
        self._platform.conversations.remove(self._channel(channel_id))

    # Sharing with others

    def invite_team(self, channel_id: str, team_id: str = OTHER_TEAM) -> None:
        """Invite another company: the share is pending, of which no event tells."""
        with self._core.changing():
            pending = self._channel(channel_id).pending_team_ids
            if team_id not in pending:
                pending.append(team_id)

    def share(self, channel_id: str, team_id: str = OTHER_TEAM) -> None:
        """Connect another company, invited before or not: channel_shared."""
        self._platform.conversations.share(self._channel(channel_id), team_id)

    def unshare(self, channel_id: str, team_id: str = OTHER_TEAM) -> None:
        """Disconnect it, and with it its people: channel_unshared."""
        self._platform.conversations.unshare(self._channel(channel_id), team_id)

    def share_in_org(self, channel_id: str, *, shared: bool = True) -> None:
        """Share with other workspaces of the same organisation, or end it; without an event.

        Slack documents channel_shared for external workspaces only: an app must do without.
        """
        with self._core.changing():
            self._channel(channel_id).is_org_shared = shared

    def send_event(self, event: dict[str, Any]) -> None:
        """Deliver any event as it is, hostile or malformed ones too, subscribed or not."""
        with self._core.changing():
            self._platform.app.events.add("*raw*")
            self._platform.events.send(event, subscription="*raw*")
