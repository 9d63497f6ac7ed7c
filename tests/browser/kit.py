"""A little app of its own that shows every block and input, and tells what it was sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient

from failbot.sandbox.factory import default_platform
from failbot.sandbox.page.features import Features
from failbot.sandbox.page.routes import Page
from failbot.sandbox.server import Sandbox

OPTIONS = ("Red", "Green", "Blue")


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def options(*names: str) -> list[dict[str, Any]]:
    return [{"text": plain(name), "value": name.lower()} for name in names]


def _input(action_id: str, element: dict[str, Any], **more: Any) -> dict[str, Any]:
    label = action_id.replace("_", " ").capitalize()
    named = {"action_id": action_id, **element}
    return {
        "type": "input",
        "block_id": action_id,
        "label": plain(label),
        "element": named,
        **more,
    }


def form() -> dict[str, Any]:
    """A view with every input, some filled, most optional."""
    some = options(*OPTIONS)
    elements = {
        "line": {"type": "plain_text_input", "initial_value": "first", "max_length": 20},
        "story": {"type": "plain_text_input", "multiline": True, "max_length": 40},
        "colour": {"type": "static_select", "options": some, "initial_option": some[1]},
        "colours": {
            "type": "multi_static_select",
            "options": some,
            "initial_options": some[:1],
            "max_selected_items": 2,
        },
        "ticks": {"type": "checkboxes", "options": some, "initial_options": some[2:]},
    }
    required = {"line", "story"}
    blocks = [_input(name, one, optional=name not in required) for name, one in elements.items()]
    return {
        "type": "modal",
        "callback_id": "kit",
        "title": plain("Every input"),
        "submit": plain("Send"),
        "blocks": blocks,
    }


def message() -> list[dict[str, Any]]:
    """Blocks with every element that acts."""
    return [
        {
            "type": "section",
            "text": {"type": "mrkdwn", "text": "*bold* _slanted_ ~gone~ `code`\n> quoted"},
        },
        {"type": "section", "text": plain("Choose well")},
        {"type": "divider"},
        {
            "type": "actions",
            "elements": [
                {"type": "button", "action_id": "plain", "text": plain("Plain"), "value": "v"},
                {"type": "static_select", "action_id": "choose", "options": options(*OPTIONS)},
            ],
        },
        {"type": "context", "elements": [plain("small print")]},
    ]


def app(client: WebClient) -> App:
    """`/kit` posts the message, `/form` opens the form; what comes back is posted as JSON."""
    made = App(client=client, token_verification_enabled=False)

    @made.command("/kit")
    def kit(ack: Any, command: Any) -> None:
        ack()
        client.chat_postMessage(channel=command["channel_id"], text="the kit", blocks=message())

    @made.command("/form")
    def opened(ack: Any, command: Any) -> None:
        ack()
        view = form() | {"private_metadata": command["channel_id"]}
        client.views_open(trigger_id=command["trigger_id"], view=view)

    @made.view("kit")
    def submitted(ack: Any, view: Any) -> None:
        values = {k: _value(next(iter(v.values()))) for k, v in view["state"]["values"].items()}
        if values["line"] == "wrong":
            return ack(response_action="errors", errors={"line": "The app does not like this."})
        ack()
        client.chat_postMessage(channel=view["private_metadata"], text=json.dumps(values))
        return None

    for name in ("plain", "choose"):
        made.action(name)(_tell(client))
    return made


def _tell(client: WebClient) -> Any:
    def tell(ack: Any, body: Any) -> None:
        ack()
        action = body["actions"][0]
        chosen = (action.get("selected_option") or {}).get("value") or action.get("value")
        text = f"{action['action_id']}: {chosen}"
        client.chat_postMessage(channel=body["channel"]["id"], text=text)

    return tell


def _value(state: dict[str, Any]) -> Any:
    given = {k: v for k, v in state.items() if k != "type"}
    only = next(iter(given.values()))
    if isinstance(only, list):
        return [one["value"] if isinstance(one, dict) else one for one in only]
    return only["value"] if isinstance(only, dict) else only


@contextmanager
def running() -> Iterator[Sandbox]:
    """A sandbox with its page, and the app in it."""
    platform = default_platform()
    commands = ({"command": "/kit", "description": "Post"}, {"command": "/form"})
    page = Page(platform, features=Features(commands=commands))
    with Sandbox(platform, routes=page.routes(), rate_limits=False) as box:
        box.control.set_app(commands=["/kit", "/form"])
        client = WebClient(box.bot_token, base_url=box.api_url)
        handler = SocketModeHandler(app(client), box.app_token, web_client=client)
        handler.connect()
        box.control.wait_connected()
        yield box
        handler.close()
