"""Faults on request: what a test breaks of deliveries and of Web API answers."""

from __future__ import annotations

from typing import Literal

from failbot.sandbox.faults import ApiFault, DeliveryFault
from failbot.sandbox.hands import Hands


class Breaking(Hands):
    """Faults strike the next ones, in the order in which they were asked for; any thread."""

    # Faults of deliveries

    def late(self, seconds: float, *, times: int = 1, only: str | None = None) -> None:
        """Deliver the next ones only when the clock has moved on; `only` names an envelope type."""
        self._fault(DeliveryFault("late", times, seconds=seconds, only=only))

    def drop(self, *, times: int = 1, only: str | None = None, for_good: bool = False) -> None:
        """Lose the first attempt of the next ones (events are retried), or lose them for good."""
        self._fault(DeliveryFault("lose" if for_good else "drop", times, only=only))

    def double(
        self, *, times: int = 1, new_event_id: bool = False, only: str | None = None
    ) -> None:
        """Deliver the next ones twice, the second with its own event_id if asked."""
        self._fault(DeliveryFault("double", times, new_event_id=new_event_id, only=only))

    def reorder(self, count: int, *, only: str | None = None) -> None:
        """Hold the next `count` deliveries back and send them in reverse once all are there."""
        self._fault(DeliveryFault("reorder", count, only=only))

    def hold(self, *, times: int = 1_000_000, only: str | None = None) -> None:
        """Hold deliveries back until `release()`."""
        self._fault(DeliveryFault("hold", times, only=only))

    def release(self, *, reverse: bool = False) -> None:
        """End holding, and send what was held (the newest first if `reverse`)."""
        with self._core.changing():
            faults = self._platform.faults
            faults.deliveries = [f for f in faults.deliveries if f.kind != "hold"]
            self._platform.deliveries.release(reverse=reverse)

    def _fault(self, fault: DeliveryFault) -> None:
        with self._core.changing():
            self._platform.faults.deliveries.append(fault)

    # Faults of the Web API

    def fail_api(self, method: str, error: str, *, times: int = 1) -> None:
        """Answer the next calls of a method (`*`: any) with that error."""
        self._api_fault(ApiFault("error", method, times, error=error))

    def ratelimit(self, method: str, *, retry_after_s: int = 1, times: int = 1) -> None:
        """Answer the next calls with 429 and Retry-After."""
        self._api_fault(ApiFault("ratelimit", method, times, seconds=retry_after_s))

    def fail_http(self, method: str, *, status: int = 503, body: str = "", times: int = 1) -> None:
        """Answer the next calls with an HTTP error."""
        self._api_fault(ApiFault("status", method, times, status=status, body=body))

    def answer_html(self, method: str, *, times: int = 1) -> None:
        """Answer the next calls with an HTML page and status 200."""
        self._api_fault(ApiFault("html", method, times))

    def reset_connection(
        self, method: str, *, when: Literal["before", "after"] = "before", times: int = 1
    ) -> None:
        """Reset the connection of the next calls, before or after they took effect."""
        kind: Literal["reset_before", "reset_after"] = (
            "reset_before" if when == "before" else "reset_after"
        )
        self._api_fault(ApiFault(kind, method, times))

    def slow(self, method: str, seconds: float, *, times: int = 1) -> None:
        """Answer the next calls only after so many real seconds; the effect is immediate."""
        self._api_fault(ApiFault("slow", method, times, seconds=seconds))

    def hang(self, method: str, *, times: int = 1) -> None:
        """Leave the next calls without an answer, and without effect, until `unhang()`."""
        self._api_fault(ApiFault("hang", method, times))

    def hanging(self) -> int:
        """How many calls wait for `unhang()`."""
        return self._platform.hanging.count

    def unhang(self) -> None:
        """Hang no more calls, and answer those that wait."""
        with self._core.changing():
            faults = self._platform.faults
            faults.api = [f for f in faults.api if f.kind != "hang"]
        self._platform.hanging.end()

    def clear_faults(self) -> None:
        """Drop every fault that was asked for and has not struck; held deliveries stay held."""
        with self._core.changing():
            self._platform.faults.api.clear()
            self._platform.faults.deliveries.clear()

    def _api_fault(self, fault: ApiFault) -> None:
        with self._core.changing():
            self._platform.faults.api.append(fault)
