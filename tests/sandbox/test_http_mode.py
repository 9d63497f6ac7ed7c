"""A real Bolt app behind a request URL: signatures, retries, the same conversations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slack_bolt import App
from slack_bolt.response import BoltResponse
from slack_sdk import WebClient
from slack_sdk.signature import SignatureVerifier

from failbot.sandbox import factory, http_out
from failbot.sandbox.actor import Actor
from failbot.sandbox.control import Control
from failbot.sandbox.server import Sandbox
from tests.sandbox.blocks import modal

Serve = Callable[[App], str]


def signed_app(box: Sandbox, client: WebClient) -> App:
    return App(client=client, signing_secret=box.signing_secret)


def test_signatures_are_those_that_the_sdk_verifies() -> None:
    """The v0 signature of a body is valid for slack_sdk, and another secret's is not."""
    verifier = SignatureVerifier("secret")
    now = str(int(verifier.clock.now()))
    good = http_out.sign("secret", now, b"a=b")
    bad = http_out.sign("other", now, b"a=b")
    assert verifier.is_valid("a=b", now, good)
    assert not verifier.is_valid("a=b", now, bad)


def test_a_form_over_http(
    box: Sandbox, client: WebClient, serve_http: Serve, ada: Actor, control: Control
) -> None:
    """Command, modal, errors, submission and a mention work over signed requests."""
    app = signed_app(box, client)

    @app.command("/failure")
    def command(ack: Any, body: Any) -> None:
        ack()
        client.views_open(trigger_id=body["trigger_id"], view=modal())

    @app.view("form")
    def submitted(ack: Any, view: Any) -> None:
        typed = view["state"]["values"]["what"]["what_typed"]["value"]
        ack(response_action="errors", errors={"what": "No."}) if typed == "bad" else ack()

    serve_http(app)
    assert ada.command("/failure", "hi", factory.GENERAL)["status"] == "acked"
    control.wait_for(ada.view)
    assert ada.submit({"what": "bad"})["errors"] == {"what": "No."}
    assert ada.submit({"what": "good"})["status"] == "acked"
    assert ada.view() is None


def test_a_mention_over_http(
    box: Sandbox, client: WebClient, serve_http: Serve, ada: Actor, control: Control
) -> None:
    """Events arrive as JSON."""
    app = signed_app(box, client)
    app.event("app_mention")(lambda event, say: say(text="seen", thread_ts=event["ts"]))
    serve_http(app)
    asked = ada.say(factory.GENERAL, "@failbot hello")["ts"]
    assert control.wait_for(lambda: ada.messages(factory.GENERAL, asked)[1:])


def test_a_wrong_signing_secret_is_refused_by_the_app(
    box: Sandbox, client: WebClient, serve_http: Serve, ada: Actor
) -> None:
    """An app with another secret answers 401, and the person sees a failed command."""
    app = App(client=client, signing_secret="another")
    app.command("/failure")(lambda ack: ack())
    serve_http(app)
    assert ada.command("/failure")["error"] == "http_error"


def test_an_event_answered_with_503_is_retried_with_headers(
    box: Sandbox, client: WebClient, serve_http: Serve, ada: Actor, control: Control
) -> None:
    """Retries carry their number and http_error, by the sandbox's clock."""
    seen: list[tuple[str, str]] = []
    app = signed_app(box, client)

    @app.middleware
    def refuse(req: Any) -> BoltResponse:
        number = req.headers.get("x-slack-retry-num", ["-"])[0]
        seen.append((number, req.headers.get("x-slack-retry-reason", ["-"])[0]))
        return BoltResponse(status=503)

    serve_http(app)
    ada.say(factory.GENERAL, "@failbot hello")
    control.wait_for(lambda: control.deliveries()[0]["status"] == "waiting")
    assert seen == [("-", "-"), ("1", "http_error")]
    control.advance(60)
    control.wait_for(lambda: len(seen) == 3)
    control.wait_for(lambda: control.deliveries()[0]["status"] == "waiting")
    control.advance(300)
    control.wait_for(lambda: control.deliveries()[0]["status"] == "failed")
    assert seen[2:] == [("2", "http_error"), ("3", "http_error")]


def test_a_request_url_is_verified_by_challenge(
    box: Sandbox, client: WebClient, serve_http: Serve, control: Control
) -> None:
    """Bolt answers the url_verification challenge."""
    assert control.verify_url(serve_http(signed_app(box, client)))


def test_nobody_listening_is_a_failed_connection(control: Control, ada: Actor) -> None:
    """A refused connection fails a command at once."""
    control.deliver_to("http://127.0.0.1:9/slack/events")
    assert ada.command("/failure")["error"] == "connection_failed"
    assert ada.notices()[0]["error"] == "dispatch_failed"
