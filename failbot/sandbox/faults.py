"""Faults that tests ask for: of deliveries to the app and of Web API answers."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from typing import Literal

DeliveryFaultKind = Literal["late", "drop", "lose", "double", "hold", "reorder"]
ApiFaultKind = Literal[
    "error", "ratelimit", "status", "html", "reset_before", "reset_after", "slow", "hang"
]


@dataclass(slots=True)
class DeliveryFault:
    """What happens to the next `times` deliveries; `group` collects those to reorder."""

    kind: DeliveryFaultKind
    times: int = 1
    seconds: float = 0.0
    new_event_id: bool = False
    only: str | None = None
    group: list[str] = field(default_factory=list)


@dataclass(slots=True)
class ApiFault:
    """What happens to the next `times` calls of a method (`*`: of any)."""

    kind: ApiFaultKind
    method: str = "*"
    times: int = 1
    error: str = ""
    status: int = 503
    body: str = ""
    seconds: float = 0.0


class Hanging:
    """Calls that hang in the server's loop until they are let go; any thread may let them go."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    @property
    def count(self) -> int:
        return len(self._waiting)

    def begin(self) -> asyncio.Event:
        """What a call waits for, set by the next `end()`; in the server's loop."""
        event = asyncio.Event()
        with self._lock:
            self._waiting.append((asyncio.get_running_loop(), event))
        return event

    def end(self) -> None:
        """Let go whatever hangs."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
        for loop, event in waiting:
            loop.call_soon_threadsafe(event.set)


class Faults:
    """The faults still to come, used up in the order in which they were asked for."""

    def __init__(self) -> None:
        self.deliveries: list[DeliveryFault] = []
        self.api: list[ApiFault] = []

    def take_delivery(self, kind: str) -> DeliveryFault | None:
        """The fault for a delivery of this kind, if one waits; counts it."""
        for fault in self.deliveries:
            if fault.only in (None, kind):
                fault.times -= 1
                if fault.times == 0:
                    self.deliveries.remove(fault)
                return fault
        return None

    def take_api(self, method: str) -> ApiFault | None:
        """The fault for a call of this method, if one waits; counts it."""
        for fault in self.api:
            if fault.method in ("*", method):
                fault.times -= 1
                if fault.times == 0:
                    self.api.remove(fault)
                return fault
        return None
