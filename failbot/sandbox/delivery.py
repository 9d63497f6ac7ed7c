"""Deliveries to the app: one attempt after another until it acks, by Slack's schedule.

Acks are due within 3 s; events are sent again at once, after 1 minute and after 5 minutes
(docs.slack.dev, Events API, "Failure conditions"); commands and interactions are sent once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from failbot.sandbox.core import Core
from failbot.sandbox.faults import DeliveryFault, Faults
from failbot.sandbox.refusal import JsonObject

ACK_DEADLINE_S = 3.0
RETRY_DELAYS_S = (0.0, 60.0, 300.0)
RECORDS_MAX = 20_000
OPEN_MAX = 1_000

Kind = Literal["events_api", "slash_commands", "interactive"]
Status = Literal["queued", "held", "sent", "waiting", "acked", "failed", "lost"]
FINAL: frozenset[Status] = frozenset({"acked", "failed", "lost"})


@dataclass(frozen=True, slots=True)
class Reply:
    """What the app answered: `body` is parsed JSON or text, `failure` Slack's retry reason."""

    body: Any = None
    failure: str | None = None
    no_retry: bool = False


@dataclass(slots=True)
class Delivery:
    """One thing for the app, over all its attempts; `error` says why it failed."""

    id: str
    kind: Kind
    payload: JsonObject
    on_reply: Callable[[Any], None] | None = None
    on_failure: Callable[[str], None] | None = None
    status: Status = "queued"
    attempt: int = 0
    retry_reason: str | None = None
    error: str | None = None
    reply: Any = None
    sent_at: list[float] = field(default_factory=list)
    acked_at: float | None = None

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    @property
    def retry_attempt(self) -> int:
        return max(self.attempt - 1, 0)


class Transport(Protocol):
    """A way to the app: Socket Mode or HTTP."""

    def send(self, delivery: Delivery, attempt: int) -> None:
        """Start one attempt; the outcome comes to `Deliveries.replied` from any thread."""


class Deliveries:
    """Everything sent to the app, with the state of each; any thread may use it."""

    def __init__(self, core: Core, faults: Faults) -> None:
        self._core = core
        self._faults = faults
        self._numbers = 0
        self.all: deque[Delivery] = deque(maxlen=RECORDS_MAX)
        self._open: list[Delivery] = []
        self.transport: Transport | None = None

    def submit(
        self,
        kind: Kind,
        payload: JsonObject,
        *,
        on_reply: Callable[[Any], None] | None = None,
        on_failure: Callable[[str], None] | None = None,
    ) -> Delivery:
        """Send something to the app, subject to the faults that were asked for."""
        with self._core.changing():
            self._numbers += 1
            delivery = Delivery(f"d{self._numbers}", kind, payload, on_reply, on_failure)
            self._note(delivery)
            self._begin(delivery, self._faults.take_delivery(kind))
            return delivery

    def release(self, *, reverse: bool = False) -> None:
        """Send what was held back, in order or reversed."""
        with self._core.changing():
            held = [d for d in self.all if d.status == "held"]
            for delivery in reversed(held) if reverse else held:
                self._attempt(delivery)

    def replied(self, delivery: Delivery, attempt: int, reply: Reply) -> None:
        """The app's answer to one attempt, or why there is none; a late one changes nothing."""
        with self._core.changing():
            if delivery.is_final or attempt != delivery.attempt or delivery.status != "sent":
                return
            if reply.failure is not None:
                self._failed(delivery, reply.failure, retry=not reply.no_retry)
                return
            delivery.status = "acked"
            delivery.acked_at = self._core.clock.time()
            delivery.reply = reply.body
            if delivery.on_reply is not None:
                delivery.on_reply(reply.body)

    def busy(self) -> bool:
        """True while something awaits its ack; not while it is held or between retries."""
        with self._core.lock:
            self._prune()
            return any(d.status in ("queued", "sent") for d in self._open)

    def forget(self) -> None:
        """Drop the records of deliveries that are over."""
        with self._core.changing():
            self.all = deque((d for d in self.all if not d.is_final), maxlen=RECORDS_MAX)

    def _prune(self) -> None:
        self._open = [d for d in self._open if not d.is_final]

    def _note(self, delivery: Delivery) -> None:
        if len(self._open) >= OPEN_MAX:
            self._prune()
        self.all.append(delivery)
        self._open.append(delivery)

    def _begin(self, delivery: Delivery, fault: DeliveryFault | None) -> None:
        if fault is None:
            return self._attempt(delivery)
        match fault.kind:
            case "hold":
                delivery.status = "held"
            case "lose":
                delivery.status = "lost"
            case "late":
                delivery.status = "held"
                self._at(self._core.clock.time() + fault.seconds, lambda: self._attempt(delivery))
            case "drop":
                self._attempt(delivery, arrives=False)
            case "double":
                self._attempt(delivery)
                self._attempt(self._twin(delivery, new_event_id=fault.new_event_id))
            case "reorder":
                delivery.status = "held"
                fault.group.append(delivery.id)
                if fault.times == 0:
                    for held in [d for d in reversed(self.all) if d.id in fault.group]:
                        self._attempt(held)
        return None

    def _twin(self, delivery: Delivery, *, new_event_id: bool) -> Delivery:
        payload = dict(delivery.payload)
        if new_event_id and "event_id" in payload:
            payload["event_id"] = self._core.workspace.new_id("Ev")
        twin = Delivery(f"{delivery.id}-twin", delivery.kind, payload)
        self._note(twin)
        return twin

    def _attempt(self, delivery: Delivery, *, arrives: bool = True) -> None:
        with self._core.changing():
            if delivery.is_final:
                return
            delivery.attempt += 1
            delivery.status = "sent"
            now = self._core.clock.time()
            delivery.sent_at.append(now)
            attempt = delivery.attempt
            self._at(now + ACK_DEADLINE_S, lambda: self._timed_out(delivery, attempt))
            if arrives and self.transport is not None:
                self.transport.send(delivery, attempt)

    def _timed_out(self, delivery: Delivery, attempt: int) -> None:
        if delivery.attempt == attempt and delivery.status == "sent":
            self._failed(delivery, "timeout", retry=True)

    def _failed(self, delivery: Delivery, reason: str, *, retry: bool) -> None:
        delivery.error = reason
        if delivery.kind != "events_api" or not retry or delivery.attempt > len(RETRY_DELAYS_S):
            delivery.status = "failed"
            if delivery.on_failure is not None:
                delivery.on_failure(reason)
            return
        delivery.retry_reason = reason
        delivery.status = "waiting"
        delay_s = RETRY_DELAYS_S[delivery.attempt - 1]
        if delay_s == 0:
            delivery.status = "queued"
        self._at(self._core.clock.time() + delay_s, lambda: self._attempt(delivery))

    def _at(self, when_s: float, action: Callable[[], None]) -> None:
        def locked() -> None:
            with self._core.changing():
                action()

        self._core.clock.call_at(when_s, locked)
