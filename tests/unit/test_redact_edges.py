"""Where a secret ends and words begin: each pair lies on either side of an edge."""

from __future__ import annotations

import pytest

from failbot.memory.redact import redact

LINE = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"
KEY, PASSWORD, TOKEN = "[redacted: private key]", "[redacted: password]", "[redacted: token]"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"before\n{LINE}\n{LINE[:20]}\n-----END PRIVATE KEY-----\nafter", f"before\n{KEY}\nafter"),
        (
            f"a\n{LINE}\n-----END PRIVATE KEY-----\nb\n{LINE}\n-----END RSA PRIVATE KEY-----\nc",
            f"a\n{KEY}\nb\n{KEY}\nc",
        ),
        (f"{LINE}\n-----END PRIVATE KEY-----", KEY),
        ("it ends in\n-----END PRIVATE KEY-----\nas usual", None),
        ("password: sunshine", f"password: {PASSWORD}"),
        ("db:\n  password: sunshine\n  port: 5", f"db:\n  password: {PASSWORD}\n  port: 5"),
        ("password: sunshine\r\nport: 5", f"password: {PASSWORD}\r\nport: 5"),
        ("the password: sunshine is out", None),
        ("my password: sunshine", None),
        ("password: sunny", None),
        ("password: Sunshine", None),
        (
            "| user | password |\n|---|---|\n| ana | wrong |\n| ben | hunter2x! |",
            f"| user | password |\n|---|---|\n| ana | wrong |\n| ben | {PASSWORD} |",
        ),
        (
            "| user | token |\n|---|---|\n| ana | hunter2x! |\n| ben | a8Kd93jfKs02LsPq7xZ |",
            f"| user | token |\n|---|---|\n| ana | hunter2x! |\n| ben | {TOKEN} |",
        ),
        ("redis-cli -a hunter2x -p 6379", f"redis-cli -a {PASSWORD} -p 6379"),
        ("redis-cli -a /etc/pw2 -p 6379", None),
        ("redis-cli -a --5x9Z -p 6379", None),
    ],
)
def test_a_secret_is_taken_out_to_its_edge(text: str, told: str | None) -> None:
    """All of it and nothing beside it; what only looks like one stays as it is."""
    assert redact(text)[0] == (text if told is None else told)
