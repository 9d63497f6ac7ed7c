"""What the app changes under a person's eyes: a modal in its place, and its status in a thread."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from slack_sdk import WebClient

from failbot.sandbox import factory
from failbot.sandbox.server import Sandbox
from tests.browser import kit


@pytest.fixture(scope="module")
def box(chromium: Any) -> Iterator[Sandbox]:
    with kit.running() as sandbox:
        yield sandbox


@pytest.fixture
def client(box: Sandbox) -> WebClient:
    return WebClient(box.bot_token, base_url=box.api_url)


def test_a_modal_changes_in_its_place(open_window: Any, box: Sandbox, client: WebClient) -> None:
    """Its words, its inputs and its button, with the focus in the first."""
    page = open_window(box.url)
    page.form("/form")
    ada = box.control.as_(factory.ADA)
    before = ada.view()
    assert before is not None
    story = next(one for one in before["blocks"] if one["label"]["text"].startswith("Story"))
    view = {
        "type": "modal",
        "callback_id": "other",
        "title": {"type": "plain_text", "text": "Another"},
        "submit": {"type": "plain_text", "text": "Go on"},
        "blocks": [story],
    }
    client.views_update(view_id=before["id"], view=view)
    page.dialog.get_by_role("heading", name="Another").wait_for()
    page.dialog.get_by_role("button", name="Go on").wait_for()
    assert page.page.locator("textarea:focus").count() == 1
    ada.close_view()
    page.dialog.wait_for(state="detached")


def test_a_status_is_seen_in_its_thread(open_window: Any, box: Sandbox, client: WebClient) -> None:
    """With the app's name, until its message is there."""
    asked = box.control.as_(factory.ADA).say(factory.GENERAL, "has anyone seen this?")
    thread = {"thread_ts": asked["ts"]}
    client.assistant_threads_setStatus(channel_id=factory.GENERAL, status="is at it…", **thread)
    page = open_window(f"{box.url}#/{factory.ADA}/{factory.GENERAL}/{asked['ts']}")
    status = page.thread.get_by_role("status")
    page.thread.get_by_text(f"{box.platform.app.name} is at it…").wait_for()
    client.chat_postMessage(channel=factory.GENERAL, text="nobody has", **thread)
    page.see("nobody has", page.thread)
    status.wait_for(state="hidden")
