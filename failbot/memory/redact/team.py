"""A team's own rules, and what its rules let stay, from a TOML file.

Patterns are RE2's (github.com/google/re2/wiki/Syntax): it runs in linear time whatever the pattern,
and has therefore neither lookaround nor back references.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from failbot.errors import ConfigError
from failbot.memory.redact.found import KIND, Found

PATTERN_LIMIT = 2_000  # characters; RE2 compiles longer ones, but nobody reads them
MEMORY_LIMIT = 16 << 20  # bytes that one compiled pattern may take
SECRET = "secret"  # the group that is the secret, where a pattern names one
_EXAMPLE = '[[rule]] with name = "acme key" and pattern = "acme_[a-z0-9]{20}", allow = ["…"]'


@dataclass(frozen=True, slots=True)
class Rules:
    """`rules`: a kind and a compiled pattern each; `allow`: what stays if one matches it wholly."""

    rules: tuple[tuple[str, Any], ...] = ()
    allow: tuple[Any, ...] = ()

    def found(self, text: str) -> Iterator[Found]:
        """Every secret that one of the rules knows."""
        encodable = _encodable(text) if self.rules else ""
        for kind, pattern in self.rules:
            group = pattern.groupindex.get(SECRET, 0)
            for match in pattern.finditer(encodable):
                if match.start(group) < match.end(group):
                    yield Found(match.start(group), match.end(group), kind)

    def allows(self, secret: str) -> bool:
        return any(pattern.fullmatch(_encodable(secret)) for pattern in self.allow)


def load(path: Path) -> Rules:
    """The rules of this file. :raises ConfigError: naming everything that is wrong with it."""
    table = _read(path)
    problems: list[str] = []
    problems += [f"unknown setting {name!r}" for name in table if name not in ("rule", "allow")]
    rules = _rules(table.get("rule", []), problems)
    allow = _allow(table.get("allow", []), problems)
    if problems:
        raise ConfigError(f"FAILBOT_SECRETS, {path}: {'; '.join(problems)}")
    return Rules(rules, allow)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"FAILBOT_SECRETS, {path}: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"FAILBOT_SECRETS, {path} is not TOML: {error}") from error


def _rules(given: Any, problems: list[str]) -> tuple[tuple[str, Any], ...]:
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        problems.append(f"rules are written {_EXAMPLE}")
        return ()
    return tuple(
        (str(one.get("name")), pattern)
        for number, one in enumerate(given, 1)
        if (pattern := _rule(one, f"rule {number}", problems)) is not None
    )


def _rule(given: dict[str, Any], where: str, problems: list[str]) -> Any:
    name, pattern = given.get("name"), given.get("pattern")
    problems += [
        f"{where}: unknown setting {key!r}" for key in given if key not in ("name", "pattern")
    ]
    if not isinstance(name, str) or not re.fullmatch(KIND, name):
        problems.append(
            f"{where}: name must be one to six words of small letters and digits, at most 16 "
            f"characters each, not {name!r}"
        )
    return _pattern(pattern, f"{where}: pattern", problems)


def _allow(given: Any, problems: list[str]) -> tuple[Any, ...]:
    if not isinstance(given, list):
        problems.append("allow must be a list of patterns")
        return ()
    made = [_pattern(one, f"allow {number}", problems) for number, one in enumerate(given, 1)]
    return tuple(one for one in made if one is not None)


def _pattern(given: Any, where: str, problems: list[str]) -> Any:
    """The compiled pattern, or None and one problem more."""
    if not isinstance(given, str) or not 0 < len(given) <= PATTERN_LIMIT:
        problems.append(f"{where} must be a text of 1 to {PATTERN_LIMIT:,} characters")
        return None
    try:
        compiled = _compiled(given)
    except ValueError as error:
        problems.append(f"{where}: {error}")
        return None
    if compiled.fullmatch(""):
        problems.append(f"{where} matches an empty text, and would take out everything")
        return None
    return compiled


def _compiled(pattern: str) -> Any:
    """:raises ValueError: what RE2 says of it."""
    import re2

    options = re2.Options()
    options.max_mem = MEMORY_LIMIT
    options.log_errors = False
    try:
        return re2.compile(pattern, options=options)
    except re2.error as error:
        said = error.args[0] if error.args else error
        words = said.decode() if isinstance(said, bytes) else str(said)
        raise ValueError(f"{words} (RE2 has neither lookaround nor back references)") from error


def _encodable(text: str) -> str:
    """As long as the text, without lone surrogates, which RE2's UTF-8 cannot hold."""
    return re.sub("[\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", text)
