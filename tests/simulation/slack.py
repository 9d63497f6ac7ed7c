"""Slack: the sandbox's workspace on the machine's clock, and its requests to the processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from failbot.sandbox import factory
from failbot.sandbox.clock import Action, Clock
from failbot.sandbox.delivery import Delivery, Reply
from failbot.sandbox.faults import DeliveryFault
from failbot.sandbox.limits import quiet_sdk_warnings
from failbot.sandbox.platform import Platform
from failbot.slack.manifest import EVENTS, SCOPES
from tests.simulation.chance import Chance
from tests.simulation.machine import Machine
from tests.simulation.process import Process
from tests.simulation.wire import ADDRESS


class MachineClock(Clock):
    """The sandbox's clock, which the machine moves."""

    def __init__(self, machine: Machine) -> None:
        super().__init__()
        self._machine = machine

    def time(self) -> float:
        return self._machine.now_s

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._machine.now_s, UTC)

    def call_at(self, when_s: float, action: Action) -> None:
        self._machine.call_at(when_s, action)


def workspace(machine: Machine) -> Platform:
    """The sandbox's platform with the app as failbot's manifest sets it up; no rate limits."""
    quiet_sdk_warnings()
    platform = factory.default_platform(clock=MachineClock(machine))
    platform.core.base_url = ADDRESS
    platform.rate_limits.enabled = False
    platform.app.scopes, platform.app.events = set(SCOPES), set(EVENTS)
    return platform


class Lines:
    """A `Transport`: each attempt goes to one of the processes, soon, or to none."""

    def __init__(
        self,
        machine: Machine,
        chance: Chance,
        platform: Platform,
        processes: Sequence[Process],
        *,
        tell: Callable[[str], None],
    ) -> None:
        self._machine, self._chance, self._platform = machine, chance, platform
        self._processes, self._tell = processes, tell
        platform.deliveries.transport = self

    def send(self, delivery: Delivery, attempt: int) -> None:
        """Start one attempt; the outcome comes to the platform's deliveries."""
        travel_s = self._chance.draw.uniform(0.005, 0.1)
        arrive_s = self._machine.now_s + travel_s
        self._machine.call_at(arrive_s, lambda: self._arrive(delivery, attempt))

    def trouble(self) -> None:
        """Perhaps something is in the way of what Slack sends next."""
        strikes, draw = self._chance.strikes, self._chance.draw
        if strikes("delivery lost"):
            self._fault(DeliveryFault("drop", only="events_api"))
        if strikes("delivery doubled"):
            self._fault(DeliveryFault("double", only="events_api"))
        if strikes("delivery doubled under a new id"):
            self._fault(DeliveryFault("double", new_event_id=True, only="events_api"))
        if strikes("delivery late"):
            self._fault(DeliveryFault("late", seconds=draw.uniform(0.0, 20.0), only="events_api"))

    def _fault(self, fault: DeliveryFault) -> None:
        self._platform.faults.deliveries.append(fault)

    def _arrive(self, delivery: Delivery, attempt: int) -> None:
        connected = [one for one in self._processes if one.is_connected]
        if not connected:
            failure = Reply(failure="no_connection")
            return self._platform.deliveries.replied(delivery, attempt, failure)
        process = self._chance.draw.choice(connected)
        self._tell(f"Slack -> {process.name}: {_told(delivery)}")

        def replied(reply: Reply) -> None:
            travel_s = self._chance.draw.uniform(0.005, 0.1)
            self._machine.call_at(
                self._machine.now_s + travel_s,
                lambda: self._platform.deliveries.replied(delivery, attempt, reply),
            )

        return process.take(delivery, replied)


def _told(delivery: Delivery) -> str:
    payload = delivery.payload
    event = payload.get("event") or {}
    actions = [one.get("action_id") for one in payload.get("actions") or ()]
    what = event.get("type") or payload.get("command") or payload.get("type")
    more = event.get("text") or payload.get("text") or " ".join(map(str, actions))
    again = f", attempt {delivery.attempt}" if delivery.attempt > 1 else ""
    return f"{what} {str(more)[:70]}".strip() + again
