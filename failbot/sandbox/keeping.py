"""The workspace in a file: people, channels and messages outlive the process, and time goes on.

Open modals, Home tabs, tokens and what is under way are not kept.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from failbot.sandbox.platform import Platform
from failbot.sandbox.refusal import FileError, JsonObject
from failbot.sandbox.state import Channel, File, Message, Person


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
        workspace.people = {one["id"]: Person(**one) for one in kept["people"]}
        workspace.channels = {one["id"]: Channel(**one) for one in kept["channels"]}
        workspace.messages = {channel_id: [] for channel_id in workspace.channels}
        for one in kept["messages"]:
            files = [File(**file) for file in one["files"]]
            workspace.add_message(Message(**(one | {"files": files})))
    then = datetime.fromisoformat(kept["now"])
    if then > datetime.now(UTC):
        platform.clock.set(then)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
