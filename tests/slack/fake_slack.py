"""A Slack Web API without a server: it keeps messages, and refuses as Slack does or when told to.

For tests of the jobs alone, which need no signed request and no thread; `conftest` has the sandbox
for everything else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from slack_sdk.errors import SlackApiError

MEMBER = {"team_id": "T1", "tz": "Europe/Paris", "is_admin": False}
PUBLIC = {"is_channel": True, "is_private": False, "is_member": True}
PRIVATE = {"is_private": True, "is_member": True}


@dataclass
class Response:
    """As much of a SlackResponse as a refusal has."""

    data: dict[str, Any]
    status_code: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, name: str, default: Any = None) -> Any:
        return self.data.get(name, default)


def refusal(code: str, *, status: int = 200, retry_after: str = "") -> SlackApiError:
    """What the client raises when Slack answers `ok: false`."""
    headers = {"Retry-After": retry_after} if retry_after else {}
    return SlackApiError("refused", Response({"ok": False, "error": code}, status, headers))


class FakeSlack:
    """The calls that failbot makes; messages by channel, in the order in which they came."""

    def __init__(self) -> None:
        self.people: dict[str, dict[str, Any]] = {"U0ANA": MEMBER, "U0BEN": MEMBER}
        self.channels: dict[str, dict[str, Any]] = {"C0ML": PUBLIC, "G0SECRET": PRIVATE}
        self.members: dict[str, list[str]] = {"C0ML": ["U0ANA", "U0BEN"], "G0SECRET": ["U0BEN"]}
        self.messages: dict[str, list[dict[str, Any]]] = {}
        self.whispers: list[dict[str, Any]] = []
        self.statuses: list[tuple[str, str, str]] = []
        self.calls: list[str] = []
        self.page = 2  # messages of one page of history
        self._told: dict[str, list[tuple[Exception, bool]]] = {}
        self._ts = 0

    def refuse(self, method: str, *errors: Exception, after: bool = False) -> None:
        """The next calls raise these; with `after`, once they have done what was asked."""
        self._told.setdefault(method, []).extend((one, after) for one in errors)

    def chat_postMessage(self, *, channel: str, **message: Any) -> dict[str, Any]:
        return self._do("chat.postMessage", lambda: self._post(channel, message))

    def chat_postEphemeral(self, *, channel: str, **message: Any) -> dict[str, Any]:
        def whisper() -> dict[str, Any]:
            self._in(channel, self.channels)
            self.whispers.append({"channel": channel, **message})
            return {"message_ts": self._next_ts()}

        return self._do("chat.postEphemeral", whisper)

    def chat_update(self, *, channel: str, ts: str, **message: Any) -> dict[str, Any]:
        def change() -> dict[str, Any]:
            self._message(channel, ts).update(message)
            return {"ts": ts}

        return self._do("chat.update", change)

    def assistant_threads_setStatus(
        self, *, channel_id: str, thread_ts: str, status: str
    ) -> dict[str, Any]:
        def show() -> dict[str, Any]:
            self.statuses.append((channel_id, thread_ts, status))
            return {}

        return self._do("assistant.threads.setStatus", show)

    def chat_delete(self, *, channel: str, ts: str) -> dict[str, Any]:
        def remove() -> dict[str, Any]:
            self.messages[channel].remove(self._message(channel, ts))
            return {"ts": ts}

        return self._do("chat.delete", remove)

    def chat_getPermalink(self, *, channel: str, message_ts: str) -> dict[str, Any]:
        def link() -> dict[str, Any]:
            self._message(channel, message_ts)
            return {"permalink": f"https://t1.slack.com/archives/{channel}/p{message_ts}"}

        return self._do("chat.getPermalink", link)

    def conversations_history(self, *, channel: str, **page: Any) -> dict[str, Any]:
        """Newest first, as Slack's."""
        found = [one for one in self.messages.get(channel, []) if not one.get("thread_ts")]
        return self._do("conversations.history", lambda: self._paged(found[::-1], page))

    def conversations_replies(self, *, channel: str, ts: str, **page: Any) -> dict[str, Any]:
        """The thread's first message, then its replies, oldest first."""

        def thread() -> dict[str, Any]:
            first = self._message(channel, ts)
            replies = [one for one in self.messages[channel] if one.get("thread_ts") == ts]
            return self._paged([first, *replies], page)

        return self._do("conversations.replies", thread)

    def conversations_info(self, *, channel: str) -> dict[str, Any]:
        return self._do("conversations.info", lambda: {"channel": self._in(channel, self.channels)})

    def conversations_members(self, *, channel: str, **_: Any) -> dict[str, Any]:
        return self._do(
            "conversations.members", lambda: {"members": self._in(channel, self.members)}
        )

    def users_info(self, *, user: str) -> dict[str, Any]:
        def known() -> dict[str, Any]:
            if user not in self.people:
                raise refusal("user_not_found")
            return {"user": self.people[user]}

        return self._do("users.info", known)

    def said(self, channel: str, text: str, *, thread_ts: str = "", **more: Any) -> str:
        """The ts of a message that someone else wrote."""
        message = {"text": text, "thread_ts": thread_ts or None, **more}
        return str(self._post(channel, message)["ts"])

    def _do(self, method: str, deed: Any) -> dict[str, Any]:
        self.calls.append(method)
        told = self._told.get(method)
        if not told:
            return {"ok": True, **deed()}
        error, after = told.pop(0)
        if after:
            deed()
        raise error

    def _post(self, channel: str, message: dict[str, Any]) -> dict[str, Any]:
        if not channel.startswith(("U", "D")):  # a person's id opens a direct message
            self._in(channel, self.channels)
        ts = self._next_ts()
        self.messages.setdefault(channel, []).append({"ts": ts, **message})
        return {"ts": ts}

    def _paged(self, found: list[dict[str, Any]], page: dict[str, Any]) -> dict[str, Any]:
        start = int(page.get("cursor") or 0)
        after = start + min(self.page, int(page.get("limit") or self.page))
        more = str(after) if after < len(found) else ""
        hidden = set() if page.get("include_all_metadata") else {"metadata"}
        shown = [{n: v for n, v in one.items() if n not in hidden} for one in found[start:after]]
        return {"messages": shown, "response_metadata": {"next_cursor": more}}

    def _message(self, channel: str, ts: str) -> dict[str, Any]:
        found = [one for one in self.messages.get(channel, []) if one["ts"] == ts]
        if not found:
            raise refusal("message_not_found")
        return found[0]

    def _in(self, channel: str, known: dict[str, Any]) -> Any:
        if channel not in known:
            raise refusal("channel_not_found")
        return known[channel]

    def _next_ts(self) -> str:
        self._ts += 1
        return f"17000000{self._ts:02}.000100"
