"""The control interface: be a person, see what that person sees, break things, move the clock.

Everything here is synchronous and may be called from any thread; values are plain JSON, so that
the same works over HTTP.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal, TypeVar

from failbot.sandbox.actor import Actor
from failbot.sandbox.faults import ApiFault, DeliveryFault
from failbot.sandbox.http_out import check_loopback
from failbot.sandbox.platform import Platform
from failbot.sandbox.refusal import JsonObject, PersonError
from failbot.sandbox.state import Channel, ChannelKind, Person

T = TypeVar("T")


class Control:
    """The whole sandbox in a test's hands."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._core = platform.core

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

    def clear_faults(self) -> None:
        """Drop every fault that was asked for and has not struck; held deliveries stay held."""
        with self._core.changing():
            self._platform.faults.api.clear()
            self._platform.faults.deliveries.clear()

    def _api_fault(self, fault: ApiFault) -> None:
        with self._core.changing():
            self._platform.faults.api.append(fault)

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

    # The workspace

    def add_person(self, name: str, **traits: Any) -> str:
        """A new person's id; traits are the fields of `Person` (is_admin, is_stranger, tz, …)."""
        with self._core.changing():
            workspace = self._platform.workspace
            traits = {"real_name": name.title(), "team_id": workspace.team_id} | traits
            person = Person(traits.pop("id", None) or workspace.new_id("U"), name, **traits)
            workspace.add_person(person)
            return person.id

    def change_person(self, user_id: str, **traits: Any) -> None:
        """Set fields of a person (deleted=True deactivates); the app gets user_change."""
        with self._core.changing():
            person = self._person(user_id)
            for name, value in traits.items():
                setattr(person, name, value)
            self._platform.events.user_change(user_id)

    def add_channel(
        self,
        name: str,
        *,
        kind: ChannelKind = "public",
        members: list[str] | None = None,
        with_bot: bool = True,
        is_ext_shared: bool = False,
    ) -> str:
        """A new channel's id."""
        with self._core.changing():
            bot = [self._platform.app.bot_user_id] if with_bot else []
            channel = self._platform.workspace.add_channel(
                name, kind, members=[*(members or []), *bot]
            )
            channel.is_ext_shared = is_ext_shared
            return channel.id

    def change_channel(
        self,
        channel_id: str,
        *,
        name: str | None = None,
        archived: bool | None = None,
        kind: ChannelKind | None = None,
        is_ext_shared: bool | None = None,
        by: str | None = None,
    ) -> None:
        """Rename, archive or reopen, turn private or public, share; with Slack's events."""
        with self._core.changing():
            channel, conversations = self._channel(channel_id), self._platform.conversations
            user_id = by or channel.creator
            if name is not None:
                conversations.rename(channel, name)
            if archived is not None:
                conversations.archive(channel, user_id, archived=archived)
            if kind is not None:
                conversations.convert(channel, kind, user_id=user_id)
            if is_ext_shared is not None:
                channel.is_ext_shared = is_ext_shared

    def join(self, channel_id: str, user_id: str, *, inviter: str | None = None) -> None:
        """Make anyone (the bot, too) a member."""
        self._platform.conversations.join(self._channel(channel_id), user_id, inviter=inviter)

    def leave(self, channel_id: str, user_id: str) -> None:
        """Remove anyone (the bot, too) from a channel."""
        self._platform.conversations.leave(self._channel(channel_id), user_id)

    def send_event(self, event: JsonObject) -> None:
        """Deliver any event as it is, hostile or malformed ones too, subscribed or not."""
        with self._core.changing():
            self._platform.app.events.add("*raw*")
            self._platform.events.send(event, subscription="*raw*")

    def _channel(self, channel_id: str) -> Channel:
        channel = self._platform.workspace.channels.get(channel_id)
        if channel is None:
            raise PersonError(f"there is no channel {channel_id}")
        return channel

    def _person(self, user_id: str) -> Person:
        person = self._platform.workspace.people.get(user_id)
        if person is None:
            raise PersonError(f"there is no person {user_id}")
        return person

    def _summary(self) -> str:
        calls = [f"{c['method']} {c['error'] or 'ok'}" for c in self.calls()[-10:]]
        sent = [f"{d['kind']} {d['status']}" for d in self.deliveries()[-10:]]
        return f"last calls: {calls}; last deliveries: {sent}; complaints: {self.complaints()}"
