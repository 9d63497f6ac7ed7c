"""What the page offers of the app: its commands, message shortcuts, and things to try."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from failbot.sandbox.control import Control
from failbot.sandbox.refusal import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Tip:
    """Something to try: typed into the composer by one click, never sent by it."""

    label: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """The app as its manifest describes it; `scopes` and `events` are what it is granted."""

    commands: tuple[JsonObject, ...] = ()
    shortcuts: tuple[JsonObject, ...] = ()
    scopes: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    tips: tuple[Tip, ...] = ()

    @classmethod
    def of_manifest(cls, manifest: Mapping[str, Any], *, tips: Sequence[Tip] = ()) -> Features:
        """What an app manifest asks for, as Slack would install it."""
        features, settings = manifest["features"], manifest["settings"]
        shortcuts = [s for s in features.get("shortcuts", ()) if s["type"] == "message"]
        return cls(
            commands=tuple(features.get("slash_commands", ())),
            shortcuts=tuple(shortcuts),
            scopes=tuple(manifest["oauth_config"]["scopes"]["bot"]),
            events=tuple(settings["event_subscriptions"]["bot_events"]),
            tips=tuple(tips),
        )

    def install(self, control: Control) -> None:
        """Give the app in the sandbox these scopes, events and commands, and no others."""
        names = [command["command"] for command in self.commands]
        control.set_app(scopes=list(self.scopes), events=list(self.events), commands=names)
