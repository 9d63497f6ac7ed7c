"""Views that the app changes, and what it says that it is doing in a thread."""

from __future__ import annotations

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from failbot.sandbox import factory
from failbot.sandbox.actor import Actor
from failbot.sandbox.control import Control
from tests.sandbox.blocks import field, modal
from tests.sandbox.test_inputs import show

G = factory.GENERAL


def test_a_modal_is_changed_in_its_place(client: WebClient, control: Control) -> None:
    """Its id stays, its hash does not; what was typed stays in inputs that stay."""
    ada = show(client, control, modal(field("a"), field("b")))
    before = ada.view()
    assert before is not None
    ada.fill({"a": "typed"})
    answer = client.views_update(
        view_id=before["id"], hash=before["hash"], view=modal(field("a"), field("c"))
    )
    view = ada.view()
    assert view is not None
    assert view["id"] == before["id"] == answer["view"]["id"]
    assert view["hash"] != before["hash"]
    values = view["state"]["values"]
    assert set(values) == {"a", "c"}
    assert "typed" in str(values["a"])


def test_what_is_closed_or_changed_is_not_changed(client: WebClient, control: Control) -> None:
    """As Slack says it."""
    ada = show(client, control, modal(field("a")))
    view = ada.view()
    assert view is not None
    for options, error in (({"hash": "1.old"}, "hash_conflict"), ({}, "not_found")):
        if error == "not_found":
            ada.close_view()
        with pytest.raises(SlackApiError) as refused:
            client.views_update(view_id=view["id"], view=modal(field("a")), **options)
        assert refused.value.response["error"] == error


def test_a_status_stands_until_the_app_answers(client: WebClient, ada: Actor, ben: Actor) -> None:
    """For everyone in the thread; a person's reply leaves it, the app's ends it."""
    asked = ada.say(G, "why?")
    client.assistant_threads_setStatus(channel_id=G, thread_ts=asked["ts"], status="is reading…")
    ben.say(G, "no idea", thread_ts=asked["ts"])
    assert ben.messages(G, asked["ts"])[0]["status"] == "is reading…"
    client.chat_postMessage(channel=G, thread_ts=asked["ts"], text="because")
    assert ben.messages(G, asked["ts"])[0]["status"] == ""
    client.assistant_threads_setStatus(channel_id=G, thread_ts=asked["ts"], status="is back")
    client.assistant_threads_setStatus(channel_id=G, thread_ts=asked["ts"], status="")
    assert ben.messages(G, asked["ts"])[0]["status"] == ""


def test_a_status_needs_its_message(client: WebClient) -> None:
    """In a conversation that the app sees."""
    for channel_id, error in ((G, "invalid_thread_ts"), ("C0NOWHERE", "channel_not_found")):
        with pytest.raises(SlackApiError) as refused:
            client.assistant_threads_setStatus(
                channel_id=channel_id, thread_ts="1.000001", status="is reading"
            )
        assert refused.value.response["error"] == error
