"""The Web API: https://docs.slack.dev/reference/methods, as far as a bot needs it."""

from __future__ import annotations
