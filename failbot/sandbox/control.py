"""The control interface: be a person, see what that person sees, break things, move the clock.

Everything here is synchronous and may be called from any thread; values are plain JSON, so that
the same works over HTTP.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import TypeVar

from failbot.sandbox.actor import Actor
from failbot.sandbox.breaking import Breaking
from failbot.sandbox.changes import Changes
from failbot.sandbox.http_out import check_loopback
from failbot.sandbox.refusal import JsonObject

T = TypeVar("T")


class Control(Changes, Breaking):
    """The whole sandbox in a test's hands."""

    def as_(self, user_id: str) -> Actor:
        """The person of that id, to act as."""
        return Actor(self._platform, user_id)

    # Waiting

    def wait_for(
        self, predicate: Callable[[], T], timeout_s: float = 5.0, *, what: str = "it"
    ) -> T:
        """The predicate's first true value; looks again at every change.

        :raises TimeoutError: when the deadline passes, with what the app was sent and called.
        """
        found: list[T] = []

        def happened() -> bool:
            found[:] = [predicate()]
            return bool(found[0])

        if not self._core.wait_until(happened, timeout_s):
            raise TimeoutError(f"{what} did not happen in {timeout_s} s; {self._summary()}")
        return found[0]

    def idle(self, timeout_s: float = 5.0) -> None:
        """Return when every delivery is acked or given up (held ones and later retries aside)."""
        self.wait_for(lambda: not self._platform.deliveries.busy(), timeout_s, what="idle")

    def wait_connected(self, sockets: int = 1, timeout_s: float = 10.0) -> None:
        """Return when the app holds at least so many Socket Mode connections."""
        self.wait_for(lambda: len(self.sockets()) >= sockets, timeout_s, what="a connection")

    def version(self) -> int:
        """A number that grows with every change."""
        return self._core.version

    def wait_changed(self, version: int, timeout_s: float = 25.0) -> int:
        """The version once it differs from `version` (long polling for a page)."""
        return self._core.wait_changed(version, timeout_s)

    # The clock

    def now(self) -> datetime:
        """The sandbox's time, aware UTC."""
        return self._platform.clock.now()

    def advance(self, seconds: float) -> None:
        """Move the clock; what becomes due (retries, deadlines) has happened on return."""
        self._platform.clock.advance(seconds)
        with self._core.changing():
            pass

    def set_clock(self, moment: datetime) -> None:
        """Set the clock to an aware datetime."""
        self._platform.clock.set(moment)
        with self._core.changing():
            pass

    # Records

    def calls(self, method: str | None = None) -> list[JsonObject]:
        """The Web API calls received, in order: method, arguments, ok, error, at, headers."""
        with self._core.lock:
            return [asdict(c) for c in self._core.calls if method in (None, c.method)]

    def alarms(self) -> list[JsonObject]:
        """Live mass mentions in what the bot sent; a test wants none."""
        with self._core.lock:
            return [asdict(alarm) for alarm in self._core.alarms]

    def complaints(self) -> list[str]:
        """What the app sent that Slack could not read: bad acks, bad response_url bodies."""
        with self._core.lock:
            return list(self._core.complaints)

    def deliveries(self, kind: str | None = None) -> list[JsonObject]:
        """Everything sent to the app: id, kind, payload, status, attempt, error, reply, times."""
        with self._core.lock:
            return [
                {
                    "id": d.id,
                    "kind": d.kind,
                    "payload": d.payload,
                    "status": d.status,
                    "attempt": d.attempt,
                    "retry_reason": d.retry_reason,
                    "error": d.error,
                    "reply": d.reply,
                    "sent_at": list(d.sent_at),
                    "acked_at": d.acked_at,
                }
                for d in self._platform.deliveries.all
                if kind in (None, d.kind)
            ]

    def messages(self, channel_id: str, thread_ts: str | None = None) -> list[JsonObject]:
        """All messages of a channel or thread, everybody's ephemerals included (`visible_to`)."""
        with self._core.lock:
            workspace = self._platform.workspace
            return [
                workspace.message_payload(m) | {"visible_to": m.visible_to, "metadata": m.metadata}
                for m in workspace.messages[self._channel(channel_id).id]
                if thread_ts is None or thread_ts in (m.ts, m.thread_ts)
            ]

    def forget(self) -> None:
        """Empty the records: calls, alarms, complaints, deliveries that are over."""
        with self._core.changing():
            self._core.calls.clear()
            self._core.alarms.clear()
            self._core.complaints.clear()
            self._platform.deliveries.forget()

    # Sockets, tokens and the app's settings

    def sockets(self) -> list[JsonObject]:
        """The app's open Socket Mode connections: number, retiring, envelopes."""
        with self._core.lock:
            return [
                {"number": s.number, "retiring": s.retiring, "envelopes": s.envelopes}
                for s in self._platform.sockets.sockets
            ]

    def refresh_sockets(self, reason: str = "refresh_requested") -> None:
        """Ask the app to reconnect, as Slack does every few hours."""
        self._platform.sockets.refresh(reason=reason)

    def deafen_sockets(self) -> None:
        """Leave the connections open but stop reading and answering pings."""
        self._platform.sockets.deafen()

    def cut_sockets(self) -> None:
        """Reset the connections."""
        self._platform.sockets.cut()

    def deliver_to(self, request_url: str | None) -> None:
        """HTTP mode to a loopback URL; None goes back to Socket Mode."""
        if request_url is not None:
            check_loopback(request_url)
        with self._core.changing():
            self._platform.app.request_url = request_url
            self._platform.choose_transport()

    def verify_url(self, request_url: str) -> bool:
        """True if the app answers Slack's challenge at that address."""
        return self._platform.http.verify_url(request_url)

    def break_token(self, error: str = "token_revoked") -> None:
        """Every call answers token_revoked, account_inactive or invalid_auth from now on."""
        with self._core.changing():
            self._platform.token_error = error

    def mend_token(self) -> None:
        """The token is good again."""
        with self._core.changing():
            self._platform.token_error = None

    def set_app(
        self,
        *,
        scopes: list[str] | None = None,
        events: list[str] | None = None,
        commands: list[str] | None = None,
    ) -> None:
        """Set what the app's manifest grants, as far as given."""
        with self._core.changing():
            app = self._platform.app
            app.scopes = set(scopes) if scopes is not None else app.scopes
            app.events = set(events) if events is not None else app.events
            app.commands = set(commands) if commands is not None else app.commands

    def set_rate_limits(self, enabled: bool) -> None:
        """Switch Slack's rate limits on or off."""
        self._platform.rate_limits.enabled = enabled

    def _summary(self) -> str:
        calls = [f"{c['method']} {c['error'] or 'ok'}" for c in self.calls()[-10:]]
        sent = [f"{d['kind']} {d['status']}" for d in self.deliveries()[-10:]]
        return f"last calls: {calls}; last deliveries: {sent}; complaints: {self.complaints()}"
