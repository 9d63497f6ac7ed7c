"""The workspace in a file: people, channels and messages outlive the process, and time goes on.

Open modals, Home tabs, tokens and what is under way are not kept.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from failbot.sandbox.platform import Platform
from failbot.sandbox.refusal import FileError, JsonObject
from failbot.sandbox.state import Channel, File, Message, Person

T = TypeVar("T", Person, Channel, File, Message)


def save(platform: Platform, path: Path) -> None:
    """Write the workspace to the file, for its owner only; all of it or nothing."""
    with platform.core.lock:
        workspace = platform.workspace
        messages = [asdict(one) for each in workspace.messages.values() for one in each]
        kept = {
            "now": platform.clock.now().isoformat(),
            "people": [asdict(person) for person in workspace.people.values()],
            "channels": [asdict(channel) for channel in workspace.channels.values()],
            "messages": messages,
        }
    partial = path.with_suffix(".partial")
    with open(partial, "w", encoding="utf-8", opener=_private) as stream:
        json.dump(kept, stream, ensure_ascii=True)
    partial.replace(path)


def load(platform: Platform, path: Path) -> None:
    """Take in what `save` wrote, if anything; the clock goes on from then, or from now if later.

    :raises FileError: the file is not one of these.
    """
    if not path.exists():
        return
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        _restore(platform, kept)
    except (KeyError, TypeError, ValueError) as error:
        raise FileError(f"{path} cannot be read") from error


def _restore(platform: Platform, kept: JsonObject) -> None:
    with platform.core.changing():
        workspace = platform.workspace
        workspace.people = {one["id"]: _known(Person, one) for one in kept["people"]}
        workspace.channels = {one["id"]: _known(Channel, one) for one in kept["channels"]}
        workspace.messages = {channel_id: [] for channel_id in workspace.channels}
        for one in kept["messages"]:
            files = [_known(File, file) for file in one["files"]]
            workspace.add_message(_known(Message, one | {"files": files}))
    then = datetime.fromisoformat(kept["now"])
    if then > datetime.now(UTC):
        platform.clock.set(then)


def _known(record: type[T], values: JsonObject) -> T:
    """The record: what it does not know is left out, what another version lacked is its default."""
    names = {field.name for field in fields(record)}
    return record(**{name: value for name, value in values.items() if name in names})


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
