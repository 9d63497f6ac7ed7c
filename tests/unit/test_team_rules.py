"""A team's own rules for secrets, and what it lets stay."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from failbot.errors import ConfigError
from failbot.memory import redact as redacting
from failbot.memory.redact import redact
from failbot.memory.redact.team import Rules, load

RULES = """
allow = ['hf_0{30}1A', 'run-[0-9a-f]+']

[[rule]]
name = "acme key"
pattern = 'acme_[a-z0-9]{12}'

[[rule]]
name = "badge"
pattern = '(?i)badge no\\. (?P<secret>\\d+)'
"""


@pytest.fixture(autouse=True)
def _no_rules_afterwards() -> Iterator[None]:
    yield
    redacting.use(Rules())


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "secrets.toml"
    path.write_text(RULES, "utf-8")
    return path


def test_own_rules_hold(written: Path) -> None:
    """Whole matches, or the group that is named secret; also behind other alphabets."""
    redacting.use(load(written))
    left, kinds = redact("ключ 😀 \ud800 acme_abcdef123456, Badge no. 4711 of Ana")
    assert left == "ключ 😀 \ud800 [redacted: acme key], Badge no. [redacted: badge] of Ana"
    assert kinds == ("acme key", "badge")
    assert redact(left) == (left, ())


def test_what_is_allowed_stays(written: Path) -> None:
    """A pattern must match the whole secret: a longer one goes."""
    redacting.use(load(written))
    allowed = "hf_" + "0" * 30 + "1A"
    assert redact(f"token: {allowed}") == (f"token: {allowed}", ())
    assert allowed not in redact(f"token: {allowed}b2c3d4e5f6")[0]


def test_no_pattern_is_slow(tmp_path: Path) -> None:
    """What would keep a backtracking engine busy for years takes a blink."""
    path = tmp_path / "secrets.toml"
    path.write_text("[[rule]]\nname = 'slow'\npattern = '(a+)+b'\n", "utf-8")
    redacting.use(load(path))
    began = time.perf_counter()
    assert redact("a" * 40_000) == ("a" * 40_000, ())
    assert time.perf_counter() - began < 20


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rules = 3", "unknown setting 'rules'"),
        ("rule = 3", "rules are written [[rule]]"),
        ("allow = 'x'", "allow must be a list of patterns"),
        ("allow = ['(']", "allow 1: missing )"),
        ("[[rule]]\nname = 'A b'\npattern = 'x'", "rule 1: name must be one to six words"),
        ("[[rule]]\nname = 'a'", "rule 1: pattern must be a text of 1 to 2,000 characters"),
        ("[[rule]]\nname = 'a'\npattern = 'x*'", "rule 1: pattern matches an empty text"),
        ("[[rule]]\nname = 'a'\npattern = '(?=x)'", "RE2 has neither lookaround"),
        ("[[rule]]\nname = 'a'\npattern = 'x'\nkind = 'b'", "rule 1: unknown setting 'kind'"),
        ("[[rule]", "is not TOML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, words: str) -> None:
    """The setting, the file, the rule and what is wrong with it."""
    path = tmp_path / "secrets.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert f"FAILBOT_SECRETS, {path}" in str(caught.value)
    assert words in str(caught.value)


def test_all_that_is_wrong_is_named_at_once(tmp_path: Path) -> None:
    """Nobody mends a file one start at a time."""
    path = tmp_path / "secrets.toml"
    path.write_text("x = 1\n[[rule]]\nname = 'A'\npattern = '('\n", "utf-8")
    with pytest.raises(ConfigError, match=r"setting 'x'.*name must.*pattern: missing"):
        load(path)


def test_missing_file_is_named(tmp_path: Path) -> None:
    """A setting that leads nowhere must not leave the team without its rules."""
    with pytest.raises(ConfigError, match="No such file"):
        load(tmp_path / "nowhere.toml")


@pytest.mark.parametrize("part", ["allow = ['x+']", "[[rule]]\nname = 'a'\npattern = 'x'", ""])
def test_either_part_may_be_left_out(tmp_path: Path, part: str) -> None:
    """And both."""
    path = tmp_path / "secrets.toml"
    path.write_text(part, "utf-8")
    rules = load(path)
    assert (len(rules.rules), len(rules.allow)) == (part.count("rule"), part.count("allow"))


@pytest.mark.parametrize(
    ("size", "is_taken"), [(0, False), (1, True), (2_000, True), (2_001, False)]
)
def test_a_pattern_has_one_to_two_thousand_characters(
    tmp_path: Path, size: int, is_taken: bool
) -> None:
    """Nobody reads more."""
    path = tmp_path / "secrets.toml"
    path.write_text(f"allow = ['{'x' * size}']", "utf-8")
    if is_taken:
        assert len(load(path).allow) == 1
    else:
        with pytest.raises(ConfigError, match="1 to 2,000 characters"):
            load(path)


def test_what_is_wrong_is_said_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """By the error, and not by the engine as well."""
    path = tmp_path / "secrets.toml"
    path.write_text("allow = ['(']", "utf-8")
    with pytest.raises(ConfigError):
        load(path)
    assert capfd.readouterr() == ("", "")


def test_rules_are_utf_8(tmp_path: Path) -> None:
    """Whatever the machine's own encoding is."""
    path = tmp_path / "secrets.toml"
    path.write_bytes("[[rule]]\nname = 'a'\npattern = 'ключ \\d+'".encode())
    redacting.use(load(path))
    assert redact("ключ 4711") == ("[redacted: a]", ("a",))
