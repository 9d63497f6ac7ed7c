"""How the sandbox says no: its own errors, and refusals by the names that Slack documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

JsonObject = dict[str, Any]


class SandboxError(Exception):
    """The root of what the sandbox raises; whoever runs one translates it."""


class StartError(SandboxError):
    """The server cannot listen where it should, or does not answer in time."""


class FileError(SandboxError):
    """The file of a kept workspace is not one that this sandbox wrote."""


class Refusal(SandboxError):
    """A Web API call that Slack would refuse; `body()` is the answer that the caller gets."""

    def __init__(
        self,
        error: str,
        messages: Sequence[str] = (),
        *,
        fields: Mapping[str, Any] | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        self.error = error
        self.messages = list(messages)
        self.fields = dict(fields or {})
        self.retry_after_s = retry_after_s
        super().__init__(f"Slack refuses the call: {error} {'; '.join(self.messages)}".strip())

    def body(self) -> JsonObject:
        """The JSON answer: ok, error, what the method adds, and Slack's messages if any."""
        body: JsonObject = {"ok": False, "error": self.error, **self.fields}
        if self.messages:
            body["response_metadata"] = {"messages": [f"[ERROR] {m}" for m in self.messages]}
        return body


class PersonError(SandboxError):
    """A person (through the control interface) tried what Slack's own screen would not offer."""
