"""The page's server side: what a window shows, time travel, and the workspace's file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from slack_sdk import WebClient

from failbot.sandbox import keeping
from failbot.sandbox.factory import ADA, BEN, CLEO, GENERAL, SECRET, default_platform
from failbot.sandbox.page.features import Features
from failbot.sandbox.page.routes import Page
from failbot.sandbox.page.screen import MESSAGES_AT_MOST
from failbot.sandbox.refusal import FileError
from failbot.sandbox.server import Sandbox
from tests.sandbox.http import post

MANIFEST = {
    "features": {
        "shortcuts": [{"type": "message", "callback_id": "log", "name": "Log"}],
        "slash_commands": [{"command": "/failure", "description": "Log"}],
    },
    "oauth_config": {"scopes": {"bot": ["commands", "chat:write", "channels:read"]}},
    "settings": {"event_subscriptions": {"bot_events": ["app_mention"]}},
}


@pytest.fixture
def box() -> Iterator[Sandbox]:
    platform = default_platform(datetime(2026, 3, 1, 12, 0, tzinfo=UTC))
    page = Page(platform, features=Features.of_manifest(MANIFEST))
    with Sandbox(platform, routes=page.routes()) as sandbox:
        yield sandbox


def look(box: Sandbox, **body: Any) -> Any:
    """What the window shows; it is asked for at once."""
    status, answer = post(f"{box.url}/page/screen", {"after": -1, **body})
    assert status == 200
    return answer["result"]


def test_window_shows_only_what_its_person_sees(box: Sandbox) -> None:
    """Cleo's has no private channel, whatever channel and thread she asks for."""
    said = box.control.as_(ADA).say(SECRET, "hush")
    mine = look(box, **{"as": ADA}, channel=SECRET, thread=said["ts"])
    assert mine["channel"]["messages"][0]["text"] == "hush"
    assert mine["thread"]["messages"][0]["text"] == "hush"
    hers = look(box, **{"as": CLEO}, channel=SECRET, thread=said["ts"])
    assert (hers["channel"], hers["thread"]) == (None, None)
    assert SECRET not in json.dumps(hers)


def test_window_of_someone_who_left_is_someone_elses(box: Sandbox) -> None:
    """A deactivated or unknown person gets the first who can sign in."""
    box.control.change_person(ADA, deleted=True)
    assert look(box, **{"as": ADA})["me"]["id"] == BEN
    assert look(box, **{"as": "U0NOBODY"})["sign_in"] == [BEN, CLEO]


def test_window_waits_for_the_next_change(box: Sandbox) -> None:
    """A poll from an older version answers at once, with the new one."""
    first = look(box, **{"as": ADA}, channel=GENERAL)
    box.control.as_(BEN).say(GENERAL, "news")
    second = look(box, **{"as": ADA}, channel=GENERAL, after=first["version"])
    assert second["version"] > first["version"]
    assert second["channel"]["messages"][-1]["text"] == "news"


def test_looking_changes_nothing(box: Sandbox) -> None:
    """Else every window would wake every other for ever."""
    before = box.control.version()
    look(box, **{"as": ADA}, channel=GENERAL)
    assert box.control.version() == before


def test_long_channel_shows_its_newest_messages(box: Sandbox) -> None:
    """And says how many are left out; a thread keeps its first message."""
    ben = box.control.as_(BEN)
    first = ben.say(GENERAL, "first")
    for number in range(MESSAGES_AT_MOST + 5):
        ben.say(GENERAL, f"reply {number}", thread_ts=first["ts"])
    shown = look(box, **{"as": ADA}, channel=GENERAL, thread=first["ts"])["thread"]
    assert (len(shown["messages"]), shown["left_out"]) == (MESSAGES_AT_MOST, 6)
    assert shown["messages"][0]["text"] == "first"


def test_travel_takes_the_persons_wall_clock(box: Sandbox) -> None:
    """Nine in Paris is eight in UTC."""
    status, _ = post(f"{box.url}/page/travel", {"as": ADA, "local": "2026-03-02T09:00"})
    assert status == 200
    assert box.control.now() - datetime(2026, 3, 2, 8, 0, tzinfo=UTC) < timedelta(seconds=5)


@pytest.mark.parametrize("local", ["2026-02-28T09:00", "yesterday", "", None, "9999-99-99T00:00"])
def test_travel_back_or_nowhere_is_refused(box: Sandbox, local: Any) -> None:
    """The clock only goes on, to a real moment."""
    before = box.control.now()
    status, answer = post(f"{box.url}/page/travel", {"as": ADA, "local": local})
    assert (status, answer["ok"]) == (400, False)
    assert box.control.now() - before < timedelta(seconds=5)


@pytest.mark.parametrize("body", [[], "x", {"as": 7}, {"as": ADA, "channel": {}}, {"after": {}}])
def test_malformed_look_is_refused(box: Sandbox, body: Any) -> None:
    """With words, not with a trace."""
    status, answer = post(f"{box.url}/page/screen", body)
    assert (status, answer["ok"]) == (400, False)


def test_app_has_what_its_manifest_asks_for_and_no_more(box: Sandbox) -> None:
    """A method outside its scopes is refused, as in a workspace that installed that manifest."""
    Features.of_manifest(MANIFEST).install(box.control)
    client = WebClient(box.bot_token, base_url=box.api_url)
    assert client.conversations_info(channel=GENERAL)["ok"]
    with pytest.raises(Exception, match="missing_scope"):
        client.users_info(user=ADA)
    calls = look(box, **{"as": ADA})["trouble"]
    assert [one["text"] for one in calls] == ["users.info: missing_scope"]


def test_workspace_outlives_its_process(box: Sandbox, tmp_path: Path) -> None:
    """Messages with their threads and files, people, and the time travelled to."""
    control, path = box.control, tmp_path / "slack.json"
    said = control.as_(ADA).say(GENERAL, "\ud83d <b>&amp;", files=["log.txt"])
    control.as_(BEN).say(GENERAL, "a reply", thread_ts=said["ts"])
    control.set_clock(datetime(2099, 1, 5, 9, 0, tzinfo=UTC))
    keeping.save(box.platform, path)
    assert path.stat().st_mode & 0o077 == 0
    again = default_platform()
    keeping.load(again, path)
    with Sandbox(again) as other:
        assert other.control.now() >= datetime(2099, 1, 5, 9, 0, tzinfo=UTC)
        assert other.control.messages(GENERAL) == control.messages(GENERAL)


def test_file_of_another_version_is_read(tmp_path: Path) -> None:
    """What this one does not know is left out, what the other lacked has its default."""
    path = tmp_path / "slack.json"
    keeping.save(default_platform(), path)
    kept = json.loads(path.read_text())
    kept["channels"][0] |= {"is_ext_shared": False}
    del kept["channels"][0]["pending_team_ids"]
    path.write_text(json.dumps(kept))
    again = default_platform()
    keeping.load(again, path)
    assert again.workspace.channels[GENERAL].pending_team_ids == []


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"people": [1]}'])
def test_broken_file_is_named(tmp_path: Path, content: str) -> None:
    """So that whoever runs the sandbox can say what to do about it."""
    path = tmp_path / "slack.json"
    path.write_text(content)
    with pytest.raises(FileError, match=r"slack\.json cannot be read"):
        keeping.load(default_platform(), path)
