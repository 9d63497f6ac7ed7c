"""Socket Mode: up to ten WebSockets, each envelope to exactly one of them.

Envelope shapes: docs.slack.dev, apis/events-api/using-socket-mode.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.websockets import WebSocket, WebSocketDisconnect

from failbot.sandbox.core import Core
from failbot.sandbox.delivery import Deliveries, Delivery, Reply
from failbot.sandbox.refusal import JsonObject, Refusal

MAX_SOCKETS = 10
CLOSE_GRACE_S = 10.0


@dataclass(slots=True, eq=False)
class Socket:
    """One connection of the app; a retiring one gets no more envelopes, a deaf one is stuck."""

    number: int
    peer: tuple[str, int]
    loop: asyncio.AbstractEventLoop
    outbox: asyncio.Queue[str | None] = field(default_factory=asyncio.Queue)
    retiring: bool = False
    envelopes: int = 0

    def put(self, text: str | None) -> None:
        """Send a text frame, or close with None; any thread."""
        self.loop.call_soon_threadsafe(self.outbox.put_nowait, text)


class SocketMode:
    """The Socket Mode side of the sandbox: a `Transport`, and the ASGI end of its sockets."""

    def __init__(self, core: Core, deliveries: Deliveries) -> None:
        self._core = core
        self._deliveries = deliveries
        self._tickets: set[str] = set()
        self._pending: dict[str, tuple[Delivery, int]] = {}
        self._turn = 0
        self._numbers = 0
        self.sockets: list[Socket] = []
        # Set by the server: makes a connection stop reading, as a half-open one does.
        self.pause: Callable[[tuple[str, int]], None] = lambda _: None
        self.abort: Callable[[tuple[str, int]], None] = lambda _: None

    def new_url(self) -> str:
        """A one-time WebSocket address (apps.connections.open).

        :raises Refusal: too_many_websockets with ten open.
        """
        with self._core.lock:
            if len(self.sockets) >= MAX_SOCKETS:
                raise Refusal("too_many_websockets")
            ticket = secrets.token_urlsafe(16)
            self._tickets.add(ticket)
            address = self._core.base_url.replace("http://", "ws://", 1)
            return f"{address}/link/?ticket={ticket}&app_id={self._core.app.app_id}"

    def send(self, delivery: Delivery, attempt: int) -> None:
        """Start one attempt on the next socket in turn; fails at once without one."""
        ready = [s for s in self.sockets if not s.retiring]
        if not ready:
            reply = Reply(failure="no_connection")
            return self._core.clock.call_at(
                0.0, lambda: self._deliveries.replied(delivery, attempt, reply)
            )
        self._turn += 1
        socket = ready[self._turn % len(ready)]
        envelope_id = secrets.token_hex(16)
        self._pending[envelope_id] = (delivery, attempt)
        socket.envelopes += 1
        socket.put(json.dumps(_envelope(delivery, envelope_id)))
        return None

    def refresh(self, *, reason: str = "refresh_requested") -> None:
        """Ask every open socket to reconnect; those that stay are closed after 10 s."""
        with self._core.changing():
            for socket in self.sockets:
                message = {"type": "disconnect", "reason": reason, "debug_info": {"host": "local"}}
                socket.put(json.dumps(message))
                if reason != "warning":
                    self._retire(socket)

    def _retire(self, socket: Socket) -> None:
        socket.retiring = True
        self._core.clock.call_at(self._core.clock.time() + CLOSE_GRACE_S, lambda: socket.put(None))

    def deafen(self) -> None:
        """Leave every socket open but stop reading it: pings and acks go unanswered."""
        with self._core.changing():
            for socket in self.sockets:
                socket.loop.call_soon_threadsafe(self.pause, socket.peer)

    def cut(self) -> None:
        """Reset every connection without a word."""
        with self._core.changing():
            for socket in self.sockets:
                socket.loop.call_soon_threadsafe(self.abort, socket.peer)

    def close_all(self) -> None:
        """Close every socket politely (the server is stopping)."""
        with self._core.changing():
            for socket in self.sockets:
                socket.put(None)

    async def serve(self, websocket: WebSocket) -> None:
        """One connection from hello to close."""
        ticket = websocket.query_params.get("ticket", "")
        if ticket not in self._tickets:
            await websocket.close(code=4001)
            return
        self._tickets.discard(ticket)
        await websocket.accept()
        socket = self._admit(websocket)
        writer = asyncio.create_task(self._write(websocket, socket))
        try:
            while True:
                self._received(await websocket.receive_text())
        except (WebSocketDisconnect, KeyError):
            pass  # the app closed it, or sent a binary frame, which Slack closes on
        finally:
            writer.cancel()
            with self._core.changing():
                self.sockets.remove(socket)

    def _admit(self, websocket: WebSocket) -> Socket:
        with self._core.changing():
            self._numbers += 1
            client = websocket.client
            peer = (client.host, client.port) if client else ("", 0)
            socket = Socket(self._numbers, peer, asyncio.get_running_loop())
            self.sockets.append(socket)
            hello = {
                "type": "hello",
                "num_connections": len(self.sockets),
                "connection_info": {"app_id": self._core.app.app_id},
                "debug_info": {"host": "local", "approximate_connection_time": 18060},
            }
            socket.outbox.put_nowait(json.dumps(hello))
            return socket

    async def _write(self, websocket: WebSocket, socket: Socket) -> None:
        while (text := await socket.outbox.get()) is not None:
            await websocket.send_text(text)
        await websocket.close()

    def _received(self, text: str) -> None:
        try:
            message = json.loads(text)
        except ValueError:
            return self._core.complain("a socket message is not JSON")
        with self._core.lock:
            envelope_id = message.get("envelope_id") if isinstance(message, dict) else None
            delivery, attempt = self._pending.pop(str(envelope_id), (None, 0))
        if delivery is None:
            return self._core.complain("a socket message acks no envelope that was sent")
        return self._deliveries.replied(delivery, attempt, Reply(_ack_body(message)))


def _ack_body(message: JsonObject) -> object:
    """The payload of an ack; Bolt wraps a text body as {"text": …}."""
    return message.get("payload")


def _envelope(delivery: Delivery, envelope_id: str) -> JsonObject:
    envelope: JsonObject = {
        "envelope_id": envelope_id,
        "type": delivery.kind,
        "payload": delivery.payload,
        "accepts_response_payload": delivery.kind != "events_api",
    }
    if delivery.kind == "events_api":
        envelope["retry_attempt"] = delivery.retry_attempt
        envelope["retry_reason"] = delivery.retry_reason or ""
    return envelope
