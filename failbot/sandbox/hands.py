"""What every part of the control interface holds: the platform, and how it finds things."""

from __future__ import annotations

from failbot.sandbox.platform import Platform
from failbot.sandbox.refusal import PersonError
from failbot.sandbox.state import Channel, Person


class Hands:
    """A hold on the platform; an unknown id is a PersonError."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._core = platform.core

    def _channel(self, channel_id: str) -> Channel:
        channel = self._platform.workspace.channels.get(channel_id)
        if channel is None:
            raise PersonError(f"there is no channel {channel_id}")
        return channel

    def _person(self, user_id: str) -> Person:
        person = self._platform.workspace.people.get(user_id)
        if person is None:
            raise PersonError(f"there is no person {user_id}")
        return person
