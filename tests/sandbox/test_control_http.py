"""The control interface over HTTP, and who may not use the server at all."""

from __future__ import annotations

import http.client
import json
from typing import Any

import pytest

from failbot.sandbox import factory
from failbot.sandbox.server import Sandbox

G = factory.GENERAL


def request(
    box: Sandbox, path: str, body: Any = None, headers: dict[str, str] | None = None
) -> tuple[int, str]:
    """A raw POST with exactly these headers."""
    connection = http.client.HTTPConnection("127.0.0.1", box.port, timeout=5)
    sent = {"Content-Type": "application/json"} | (headers or {})
    connection.request("POST", path, json.dumps(body or {}), sent)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def do(box: Sandbox, verb: str, **arguments: Any) -> Any:
    """A control verb's result."""
    status, text = request(box, f"/control/{verb}", arguments)
    assert status == 200, text
    return json.loads(text)["result"]


def test_a_person_can_be_played_over_http(box: Sandbox) -> None:
    """say and messages work as in process."""
    said = do(box, "say", **{"as": factory.ADA, "channel_id": G, "text": "<b>hi</b>"})
    seen = do(box, "messages", **{"as": factory.BEN, "channel_id": G})
    assert [m["ts"] for m in seen] == [said["ts"]]
    assert seen[0]["text"] == "&lt;b&gt;hi&lt;/b&gt;"


def test_what_a_page_needs_is_in_see(box: Sandbox) -> None:
    """One request tells who, where, the view, the Home tab and the version to wait on."""
    screen = do(box, "see", **{"as": factory.CLEO})
    assert screen["me"]["id"] == factory.CLEO
    assert factory.SECRET not in {c["id"] for c in screen["channels"]}
    assert (screen["view"], screen["home"]) == (None, None)
    assert do(box, "wait_changed", version=screen["version"] - 1) >= screen["version"]


def test_the_clock_moves_over_http(box: Sandbox) -> None:
    """set_clock takes an ISO moment."""
    do(box, "set_clock", moment="2026-03-02T09:00:00+01:00")
    assert do(box, "now").startswith("2026-03-02T08:00:0")


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("say", {"as": factory.CLEO, "channel_id": factory.SECRET, "text": "x"}),
        ("say", {"as": "U0NOBODY", "channel_id": G, "text": "x"}),
        ("say", {"as": factory.ADA}),
        ("_core", {"as": factory.ADA}),
        ("__init__", {}),
        ("as_", {"user_id": factory.ADA}),
        ("wait_for", {}),
    ],
)
def test_what_cannot_be_done_is_refused(box: Sandbox, verb: str, arguments: dict[str, Any]) -> None:
    """Status 400 with words, for the unseen, the unknown and the private."""
    status, text = request(box, f"/control/{verb}", arguments)
    assert (status, json.loads(text)["ok"]) == (400, False)


@pytest.mark.parametrize("host", ["evil.test", "127.0.0.1", "127.0.0.1:1", "localhost.evil.test"])
@pytest.mark.parametrize("path", ["/api/auth.test", "/control/version"])
def test_another_host_is_not_served(box: Sandbox, host: str, path: str) -> None:
    """A rebound DNS name reaches nothing."""
    assert request(box, path, headers={"Host": host})[0] == 421


@pytest.mark.parametrize("origin", ["https://evil.test", "null", "http://127.0.0.1:1"])
def test_another_origins_page_may_not_write(box: Sandbox, origin: str) -> None:
    """A cross-origin post is refused before anything happens."""
    body = {"as": factory.ADA, "channel_id": G, "text": "x"}
    assert request(box, "/control/say", body, {"Origin": origin})[0] == 403
    assert box.control.messages(G) == []


def test_the_page_itself_may_write(box: Sandbox) -> None:
    """The server's own origin is let through."""
    body = {"as": factory.ADA, "channel_id": G, "text": "x"}
    assert request(box, "/control/say", body, {"Origin": box.url})[0] == 200


def test_a_form_post_is_no_control(box: Sandbox) -> None:
    """Only JSON is taken, which a foreign form cannot send."""
    status, _ = request(box, "/control/version", headers={"Content-Type": "text/plain"})
    assert status == 400


def test_a_socket_needs_a_fresh_ticket(box: Sandbox) -> None:
    """The WebSocket address of apps.connections.open works once; others not at all."""
    from slack_sdk import WebClient
    from websockets.exceptions import InvalidStatus
    from websockets.sync.client import connect

    client = WebClient(base_url=box.api_url)
    url = client.apps_connections_open(app_token=box.app_token)["url"]
    with connect(url) as socket:
        assert json.loads(socket.recv())["type"] == "hello"
        with pytest.raises(InvalidStatus):
            connect(url)


def test_what_the_app_sends_wrongly_is_noticed(box: Sandbox) -> None:
    """An ack of nothing and a frame that is not JSON are complaints."""
    from slack_sdk import WebClient
    from websockets.sync.client import connect

    client = WebClient(base_url=box.api_url)
    with connect(client.apps_connections_open(app_token=box.app_token)["url"]) as socket:
        socket.send('{"envelope_id": "nothing"}')
        socket.send("not json")
        box.control.wait_for(lambda: len(box.control.complaints()) == 2)
