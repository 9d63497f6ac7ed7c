"""Faults on request: of deliveries, of API answers, of connections and of the clock."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from urllib.error import URLError

import pytest
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from failbot.sandbox import factory
from failbot.sandbox.actor import Actor
from failbot.sandbox.control import Control

G = factory.GENERAL
Connect = Callable[[App], SocketModeHandler]
RESET = (ConnectionError, URLError, http.client.HTTPException)


@pytest.fixture
def heard(app: App, connect: Connect) -> list[str]:
    """The texts of mentions as the app hears them."""
    texts: list[str] = []
    app.event("app_mention")(lambda event: texts.append(event["text"][-1]))
    connect(app)
    return texts


def test_late_delivery_waits_for_the_clock(heard: list[str], ada: Actor, control: Control) -> None:
    """A late event arrives when its time has come."""
    control.late(100)
    ada.say(G, "@failbot 1")
    ada.say(G, "@failbot 2")
    control.wait_for(lambda: heard == ["2"])
    control.idle()  # else the move of the clock makes the ack on its way a late one
    control.advance(101)
    control.wait_for(lambda: heard == ["2", "1"])


def test_a_dropped_event_is_sent_again(heard: list[str], ada: Actor, control: Control) -> None:
    """The first attempt is lost; the retry, 3 s later, arrives."""
    control.drop()
    ada.say(G, "@failbot 1")
    assert control.deliveries()[0]["status"] == "sent"
    control.advance(3.1)
    control.wait_for(lambda: heard == ["1"])
    assert control.deliveries()[0]["attempt"] == 2


def test_an_event_lost_for_good_never_arrives(
    heard: list[str], ada: Actor, control: Control
) -> None:
    """It stays in the channel's history only."""
    control.drop(for_good=True)
    ada.say(G, "@failbot 1")
    ada.say(G, "@failbot 2")
    control.idle()  # the app hears an event before its ack has arrived here
    assert [d["status"] for d in control.deliveries()] == ["lost", "acked"]
    control.wait_for(lambda: heard == ["2"])


def test_a_doubled_event_can_have_a_new_event_id(
    heard: list[str], ada: Actor, control: Control
) -> None:
    """The same message arrives twice, without a retry header."""
    control.double(new_event_id=True)
    ada.say(G, "@failbot 1")
    control.wait_for(lambda: heard == ["1", "1"])
    first, second = control.deliveries()
    assert first["payload"]["event_id"] != second["payload"]["event_id"]
    assert first["payload"]["event"] == second["payload"]["event"]
    assert second["attempt"] == 1


def test_reordered_events_arrive_newest_first(ada: Actor, control: Control) -> None:
    """Three events are sent in reverse once all three are there."""
    control.reorder(3)
    for number in (1, 2, 3):
        ada.say(G, f"@failbot {number}")
    sent = sorted(control.deliveries(), key=lambda d: d["sent_at"])
    assert [d["payload"]["event"]["text"][-1] for d in sent] == ["3", "2", "1"]


def test_held_deliveries_wait_for_release(heard: list[str], ada: Actor, control: Control) -> None:
    """Nothing arrives before release()."""
    control.hold()
    ada.say(G, "@failbot 1")
    control.idle()
    assert heard == []
    control.release()
    control.wait_for(lambda: heard == ["1"])


def test_an_injected_error_strikes_so_often(client: WebClient, control: Control) -> None:
    """Two calls fail, the third works, and nothing was posted by the two."""
    control.fail_api("chat.postMessage", "fatal_error", times=2)
    for _ in range(2):
        with pytest.raises(SlackApiError, match="fatal_error"):
            client.chat_postMessage(channel=G, text="x")
    client.chat_postMessage(channel=G, text="x")
    assert len(control.messages(G)) == 1


def test_an_injected_429_has_retry_after(client: WebClient, control: Control) -> None:
    """Status, header and error are Slack's."""
    control.ratelimit("chat.postMessage", retry_after_s=7)
    with pytest.raises(SlackApiError) as refused:
        client.chat_postMessage(channel=G, text="x")
    assert refused.value.response.status_code == 429
    assert refused.value.response.headers["Retry-After"] == "7"
    assert refused.value.response["error"] == "ratelimited"


def test_a_hanging_call_is_answered_when_let_go(client: WebClient, control: Control) -> None:
    """Until then it has no effect, and other calls are answered."""
    control.hang("chat.postMessage")
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(client.chat_postMessage, channel=G, text="x")
        control.wait_for(lambda: control.hanging() == 1)
        assert client.auth_test()["ok"]
        assert control.messages(G) == []
        control.unhang()
        assert sent.result(timeout=5)["ok"]
    assert len(control.messages(G)) == 1


@pytest.mark.parametrize("method", ["users.info", "conversations.info", "conversations.members"])
def test_a_fault_strikes_its_own_method_only(
    client: WebClient, control: Control, method: str
) -> None:
    """While one look-up fails, the others go on."""
    control.fail_api(method, "internal_error", times=2)
    asked = {
        "users.info": {"user": factory.ADA},
        "conversations.info": {"channel": G},
        "conversations.members": {"channel": G},
    }
    failed = set()
    for name, arguments in asked.items():
        try:
            client.api_call(name, params=arguments)
        except SlackApiError:
            failed.add(name)
    assert failed == {method}


def test_html_with_200_and_503_are_answers_too(client: WebClient, control: Control) -> None:
    """The SDK reports both as errors."""
    control.answer_html("auth.test")
    control.fail_http("auth.test", status=503)
    for _ in range(2):
        with pytest.raises(SlackApiError):
            client.auth_test()
    assert client.auth_test()["ok"]


@pytest.mark.parametrize(("when", "posted"), [("before", 0), ("after", 1)])
def test_a_reset_before_or_after_the_effect_looks_the_same(
    client: WebClient, control: Control, when: str, posted: int
) -> None:
    """The client sees a broken connection either way; only the channel knows."""
    control.reset_connection("chat.postMessage", when="after" if when == "after" else "before")
    with pytest.raises(RESET):
        client.chat_postMessage(channel=G, text="x")
    assert len(control.messages(G)) == posted


def test_the_default_client_posts_twice_after_a_reset(box_url: WebClient, control: Control) -> None:
    """The SDK's own retry repeats an accepted message: the reason for reconciliation."""
    control.reset_connection("chat.postMessage", when="after")
    box_url.chat_postMessage(channel=G, text="x")
    assert len(control.messages(G)) == 2


@pytest.fixture
def box_url(client: WebClient) -> WebClient:
    """A client with the SDK's default retries."""
    return WebClient(client.token, base_url=client.base_url)


def test_cut_sockets_come_back_and_nothing_is_lost(
    heard: list[str], ada: Actor, control: Control
) -> None:
    """After a reset the client reconnects by itself; the event is sent again until acked."""
    before = {s["number"] for s in control.sockets()}
    control.cut_sockets()
    control.wait_for(
        lambda: [s for s in control.sockets() if s["number"] not in before], timeout_s=15
    )
    ada.say(G, "@failbot 1")
    control.wait_for(lambda: heard == ["1"])


def test_the_clock_can_be_set(ada: Actor, control: Control) -> None:
    """Messages are stamped by the sandbox's clock."""
    monday = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    control.set_clock(monday)
    stamp = datetime.fromtimestamp(float(ada.say(G, "x")["ts"]), UTC)
    assert timedelta(0) <= stamp - monday < timedelta(seconds=5)


def test_timestamps_stay_unique_when_the_clock_goes_back(ada: Actor, control: Control) -> None:
    """A set-back clock gives no ts twice."""
    moment = control.now()
    stamps = []
    for _ in range(20):
        control.set_clock(moment)
        stamps.append(ada.say(G, "x")["ts"])
    assert len(set(stamps)) == 20


def test_wait_for_says_what_was_going_on(control: Control, client: WebClient) -> None:
    """A deadline names the last calls."""
    client.auth_test()
    with pytest.raises(TimeoutError, match=r"auth\.test ok"):
        control.wait_for(lambda: False, 0.1)
