"""A Slack-compatible server on loopback: try the bot in it, and test the bot against it."""

from __future__ import annotations
