"""What Slack sends, as far as anything may take it apart: JSON, an object, and not too deep. Pure.

Parsers and whoever walks what they give recurse: a payload of 1,000 brackets would be an error
somewhere behind them, in Bolt or in a listener.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

DEEPEST = 64  # levels; Slack's own payloads, rich text in a view in an action, have about 20


def object_in(text: str | bytes) -> dict[str, Any] | None:
    """The JSON object in this text; None where there is none, or a deeper one than `DEEPEST`."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and _depth(value) <= DEEPEST else None


def is_readable(body: bytes, *, content_type: str) -> bool:
    """Whether Bolt can take this request's body apart: an object, or a form, with one inside."""
    if content_type.startswith("application/json") or body.startswith(b"{"):
        return object_in(body) is not None
    try:
        payloads = parse_qs(body.decode("utf-8"), keep_blank_values=True).get("payload", [])
    except ValueError:
        return False
    return all(object_in(one) is not None for one in payloads)


def _depth(value: object) -> int:
    """How many levels of lists and objects there are, without recursing into them."""
    level, depth = [value], 0
    while level := [one for one in level if isinstance(one, (dict, list))]:
        depth += 1
        level = [part for one in level for part in (one.values() if isinstance(one, dict) else one)]
    return depth
