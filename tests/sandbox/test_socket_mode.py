"""A real Bolt app in Socket Mode: every kind of interaction, retries, refresh."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_bolt.response import BoltResponse
from slack_sdk import WebClient
from websockets.sync.client import connect as open_socket

from failbot.sandbox import factory
from failbot.sandbox.actor import Actor
from failbot.sandbox.control import Control
from failbot.sandbox.server import Sandbox
from tests.sandbox.blocks import actions, button, field, home, modal

Connect = Callable[[App], SocketModeHandler]


def with_form(app: App) -> App:
    """An app whose command opens a form that refuses the word "bad"."""

    @app.command("/failure")
    def command(ack: Any, body: Any, client: WebClient) -> None:
        ack()
        client.views_open(trigger_id=body["trigger_id"], view=modal(field("what"), field("why")))

    @app.view("form")
    def submitted(ack: Any, view: Any, body: Any, client: WebClient) -> None:
        typed = view["state"]["values"]["what"]["what_typed"]["value"]
        if typed == "bad":
            ack(response_action="errors", errors={"what": "Not that word."})
            return
        ack()
        client.chat_postMessage(channel=factory.GENERAL, text=f"logged: {typed}")

    return app


def test_a_command_opens_a_modal_and_its_submission_posts(
    app: App, connect: Connect, ada: Actor, control: Control
) -> None:
    """The whole way of a form, from the command to the message in the channel."""
    connect(with_form(app))
    assert ada.command("/failure", "", factory.GENERAL)["status"] == "acked"
    control.wait_for(ada.view)
    assert ada.submit({"What": "it & <b>", "why": "no idea"})["status"] == "acked"
    assert ada.view() is None
    posted = control.wait_for(lambda: ada.messages(factory.GENERAL))
    assert posted[-1]["text"] == "logged: it &amp; &lt;b&gt;"


def test_errors_of_the_app_stand_beside_the_field_and_nothing_is_lost(
    app: App, connect: Connect, ada: Actor, control: Control
) -> None:
    """response_action errors keeps the modal, its errors and what was typed."""
    connect(with_form(app))
    ada.command("/failure", "", factory.GENERAL)
    control.wait_for(ada.view)
    outcome = ada.submit({"what": "bad", "why": "kept"})
    assert outcome["errors"] == {"what": "Not that word."}
    view = ada.view()
    assert view is not None
    assert view["state"]["values"]["why"]["why_typed"]["value"] == "kept"


def test_slack_checks_required_inputs_before_the_app_hears(
    app: App, connect: Connect, ada: Actor, control: Control
) -> None:
    """An empty required input is an error beside the field, and no submission."""
    connect(with_form(app))
    ada.command("/failure", "", factory.GENERAL)
    control.wait_for(ada.view)
    assert set(ada.submit({"what": "only this"})["errors"]) == {"why"}
    assert not [d for d in control.deliveries() if d["payload"].get("type") == "view_submission"]


def test_a_mention_is_answered_in_its_thread(
    app: App, connect: Connect, ada: Actor, control: Control
) -> None:
    """app_mention carries what is needed to answer in the thread."""
    app.event("app_mention")(lambda event, say: say(text="seen", thread_ts=event["ts"]))
    connect(app)
    asked = ada.say(factory.GENERAL, "@failbot anyone seen <this>?")
    assert asked["text"] == f"<@{factory.BOT_USER}> anyone seen &lt;this&gt;?"
    thread = control.wait_for(lambda: ada.messages(factory.GENERAL, asked["ts"])[1:])
    assert thread[0]["text"] == "seen"
    assert asked["ts"] == thread[0]["thread_ts"]


def test_a_button_in_a_message_can_replace_it(
    app: App, connect: Connect, ada: Actor, client: WebClient, control: Control
) -> None:
    """block_actions brings value, message and a response_url that replaces the original."""

    @app.action("go")
    def go(ack: Any, action: Any, respond: Any) -> None:
        ack()
        respond(text=f"chose {action['value']}", replace_original=True)

    connect(app)
    block = actions(button(value="F-7"))
    sent = client.chat_postMessage(channel=factory.GENERAL, text="x", blocks=[block])
    assert ada.click("go", channel_id=factory.GENERAL, message_ts=sent["ts"])["status"] == "acked"
    control.wait_for(lambda: ada.messages(factory.GENERAL)[-1]["text"] == "chose F-7")
    assert ada.messages(factory.GENERAL)[-1]["ts"] == sent["ts"]


def test_a_shortcut_brings_the_message(
    app: App, connect: Connect, ada: Actor, control: Control
) -> None:
    """A message shortcut carries text, permalink parts and a working trigger."""

    @app.shortcut("log_failure")
    def log(ack: Any, shortcut: Any, client: WebClient) -> None:
        ack()
        view = modal(field("what"), private_metadata=shortcut["message"]["text"])
        client.views_open(trigger_id=shortcut["trigger_id"], view=view)

    connect(app)
    said = ada.say(factory.SECRET, "it broke")
    assert ada.shortcut("log_failure", said["ts"], factory.SECRET)["status"] == "acked"
    assert control.wait_for(ada.view)["private_metadata"] == "it broke"


def test_an_ephemeral_is_seen_by_one_person(
    app: App, connect: Connect, ada: Actor, ben: Actor, control: Control
) -> None:
    """A command's respond() is for the person who typed it."""
    app.command("/failure")(lambda ack, respond: (ack(), respond("only you"))[0])
    connect(app)
    ada.command("/failure", "help", factory.GENERAL)
    shown = control.wait_for(lambda: ada.messages(factory.GENERAL))
    assert shown[0]["text"] == "only you"
    assert shown[0]["ephemeral"]
    assert ben.messages(factory.GENERAL) == []


def test_an_answer_in_an_ack_is_noticed(
    app: App, connect: Connect, ada: Actor, control: Control
) -> None:
    """The bot answers elsewhere; what an ack says would be seen by nobody here."""
    app.command("/failure")(lambda ack: ack("from the ack"))
    connect(app)
    ada.command("/failure", "", factory.GENERAL)
    assert "the ack of /failure" in control.complaints()[0]


def test_home_is_published_when_opened(
    app: App, connect: Connect, ada: Actor, control: Control
) -> None:
    """app_home_opened leads to views.publish and the person sees the tab."""
    app.event("app_home_opened")(
        lambda event, client: client.views_publish(user_id=event["user"], view=home())
    )
    connect(app)
    ada.open_home()
    assert control.wait_for(ada.home)["blocks"][0]["text"]["text"] == "welcome"


def test_an_unacked_event_comes_again_by_slacks_schedule(
    app: App, connect: Connect, ada: Actor, control: Control
) -> None:
    """No ack within 3 s: again at once, after 1 minute, after 5 minutes, then no more."""
    attempts: list[Any] = []

    @app.middleware
    def refuse(req: Any) -> BoltResponse:
        attempts.append(req.headers.get("x-slack-retry-num", ["0"])[0])
        return BoltResponse(status=503)

    connect(app)
    ada.say(factory.GENERAL, "@failbot hello")
    for number, seconds in enumerate((3, 3, 60, 3, 300, 3), start=1):
        expected = {1: 1, 2: 2, 3: 2, 4: 3, 5: 3, 6: 4}[number]
        control.wait_for(lambda n=expected: len(attempts) == n)
        control.advance(seconds)
    assert attempts == ["0", "1", "2", "3"]
    assert control.deliveries("events_api")[0]["status"] == "failed"


def test_a_command_without_an_ack_fails_visibly(
    app: App, connect: Connect, ada: Actor, control: Control
) -> None:
    """After 3 s the person is told operation_timeout, and nothing is sent again."""
    app.command("/failure")(lambda logger: None)
    connect(app)
    ada.command("/failure", "", factory.GENERAL, wait=False)
    control.advance(3.1)
    assert ada.notices()[-1]["error"] == "operation_timeout"
    assert control.deliveries()[0]["attempt"] == 1


def test_without_a_connection_a_command_is_not_dispatched(ada: Actor) -> None:
    """Nobody listens: the person is told dispatch_failed."""
    assert ada.command("/failure")["status"] == "failed"
    assert ada.notices()[-1]["error"] == "dispatch_failed"


def test_an_unknown_command_is_not_sent(ada: Actor, control: Control) -> None:
    """Slack itself answers a command that no app has registered."""
    assert ada.command("/faliure")["status"] == "refused"
    assert control.deliveries() == []


def test_each_envelope_goes_to_one_of_several_sockets(
    client: WebClient, connect: Connect, ada: Actor, control: Control
) -> None:
    """Two apps connected: every event is handled once, and both get some."""
    seen: list[tuple[int, str]] = []

    def listener(number: int) -> Callable[[Any], None]:
        return lambda event: seen.append((number, event["ts"]))

    for number in (1, 2):
        app = App(client=client)
        app.event("app_mention")(listener(number))
        connect(app)
    said = [ada.say(factory.GENERAL, "@failbot hi")["ts"] for _ in range(6)]
    control.wait_for(lambda: len(seen) == 6)
    control.idle()
    assert sorted(ts for _, ts in seen) == said
    assert {n for n, _ in seen} == {1, 2}


def test_a_refresh_moves_to_new_sockets_and_loses_nothing(
    client: WebClient, connect: Connect, ada: Actor, control: Control
) -> None:
    """After `disconnect` both clients reconnect; events go to the new sockets only."""
    seen: list[str] = []
    for _ in range(2):
        app = App(client=client)
        app.event("app_mention")(lambda event: seen.append(event["ts"]))
        connect(app)
    before = {s["number"] for s in control.sockets()}
    control.refresh_sockets()
    control.wait_for(lambda: len([s for s in control.sockets() if s["number"] not in before]) == 2)
    said = [ada.say(factory.GENERAL, "@failbot hi")["ts"] for _ in range(4)]
    control.wait_for(lambda: sorted(seen) == said)
    taken = {s["number"]: s["envelopes"] for s in control.sockets()}
    assert sum(taken[number] for number in taken.keys() - before) == len(said)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"response_action": "errors", "errors": {"nowhere": "no"}}, "nowhere"),
        ({"response_action": "push", "view": modal()}, "unknown response_action: push"),
    ],
)
def test_a_bad_response_action_is_noticed(
    app: App,
    connect: Connect,
    ada: Actor,
    control: Control,
    answer: dict[str, Any],
    words: str,
) -> None:
    """Errors of no input, and what the bot never answers: a complaint, and the person is told."""
    app.command("/failure")(
        lambda ack, body, client: (
            ack(),
            client.views_open(trigger_id=body["trigger_id"], view=modal()),
        )[0]
    )
    app.view("form")(lambda ack: ack(**answer))
    connect(app)
    ada.command("/failure")
    control.wait_for(ada.view)
    assert "" in ada.submit({"what": "x"})["errors"]
    assert words in control.complaints()[0]


def test_deaf_sockets_stay_open_and_answer_nothing(
    app: App, connect: Connect, ada: Actor, control: Control
) -> None:
    """A deafened socket takes envelopes, but no ack of them arrives."""
    seen: list[str] = []
    app.event("app_mention")(lambda event: seen.append(event["ts"]))
    connect(app)
    control.deafen_sockets()
    ada.say(factory.GENERAL, "@failbot hi")
    control.wait_for(lambda: len(seen) == 1)
    assert control.deliveries()[0]["status"] == "sent"
    assert len(control.sockets()) == 1


def test_a_socket_that_ignores_a_refresh_gets_nothing_more_and_is_closed(
    box: Sandbox, client: WebClient, ada: Actor, control: Control
) -> None:
    """After `disconnect` no envelope comes, and 10 s later the server closes."""
    url = client.apps_connections_open(app_token=box.app_token)["url"]
    with open_socket(url) as socket:
        control.wait_connected()
        control.refresh_sockets()
        ada.say(factory.GENERAL, "@failbot hi")
        control.advance(10.1)
        assert [json.loads(text)["type"] for text in socket] == ["hello", "disconnect"]
    assert control.deliveries()[0]["error"] == "no_connection"
