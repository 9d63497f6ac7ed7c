"""Whether a value can be a secret at all: random, a password, a placeholder, an ordinary word."""

from __future__ import annotations

import re

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_PLACEHOLDER = re.compile(
    r"\$\{|\$\(|\$[A-Za-z_]\w*$|\$env:|<|\{\{?\s*[A-Za-z_.]|\[|%[sdr(]|%\w+%$|\*{3,}|x{3,}|\.{2,}|…|-{3,}"
    r"|[\"'`]?(?:your|my[_-]|the[_-]|redacted|example|changeme|change[_-]me|replace|insert|dummy|todo)"
    r"|os\.|getenv|process\.|env[.:]|args?\.|self\.|cfg\.|config\.|settings\.|secrets?\.|vault:|op://",
    re.IGNORECASE,
)
_ORDINARY = frozenset(
    [
        "wrong",
        "missing",
        "unknown",
        "none",
        "null",
        "nil",
        "true",
        "false",
        "required",
        "invalid",
        "expired",
        "changed",
        "incorrect",
        "empty",
        "hidden",
        "prompt",
        "never",
        "reset",
        "stale",
        "rotated",
        "revoked",
        "leaked",
        "string",
        "bytes",
        "str",
        "int",
        "float",
        "password",
        "passwd",
        "pwd",
        "pass",
        "secret",
        "token",
        "key",
        "credentials",
        "credential",
        "optional",
        "encrypted",
        "hashed",
        "protected",
        "authentication",
        "based",
        "username",
        "user",
        "admin",
        "root",
        "login",
        "auth",
        "kerberos",
        "simple",
        "yes",
        "no",
        "not",
        "set",
        "unset",
        "given",
        "same",
        "different",
        "shared",
        "public",
        "private",
        "default",
        "undefined",
        "disabled",
        "enabled",
        "failed",
        "failure",
        "ok",
        "okay",
        "valid",
        "forgotten",
        "lost",
        "found",
        "used",
        "unused",
        "test",
        "here",
        "there",
        "this",
        "that",
        "file",
        "stdin",
        "redacted",
        "sensitive",
        "plaintext",
        "plain",
        "text",
        "value",
        "values",
        "field",
        "prompt",
        "prompted",
        "masked",
        "removed",
        "deleted",
    ]
)
_CALL = re.compile(r"[A-Za-z_][\w.]*\(|.*\(\)?$", re.DOTALL)
_DOTTED = re.compile(r"[A-Za-z_]\w*(?:[.:]{1,2}[A-Za-z_]\w*)+[:;,]?")
_PATH = re.compile(
    r"[\w.$]{1,80}\.[a-z]{1,5}:\d+$|(?:~|\.{0,2})/{1,2}[\w.${-]|arn:|[A-Za-z]:\\|[\w.+-]{1,20}://|[\w.-]+\.[a-z]{2,5}$"
)
_TELLS = re.compile(r"pass|pwd|secret|token|key|cred|auth", re.IGNORECASE)
_IDENTIFIER = re.compile(r"[A-Za-z_]+(?:\d{0,2}_[A-Za-z_]*)?")
_NAMED = re.compile(
    r"sha-?\d|md5|bcrypt|scrypt|pbkdf|argon|aes|rsa|ldap|utf-?\d|base\d\d|rfc|cve|oauth|s3a?$|v?\d+[.:/-]",
    re.IGNORECASE,
)
_SWITCH = re.compile(r"(?<=[a-z])[A-Z]|(?<=[A-Z])[a-z](?=[A-Z\d])|(?<=[A-Za-z])\d|(?<=\d)[A-Za-z]")


def is_placeholder(value: str) -> bool:
    """Whether it stands for a secret, or says what is the matter with one."""
    bare = value.strip("\"'`*_.,:;!?()[]")
    if len(set(bare)) < 2:
        return True
    return bool(_PLACEHOLDER.match(value)) or len(bare) < 3 or bare.lower() in _ORDINARY


def is_code(value: str) -> bool:
    """Whether it is a call, an attribute, a path or a variable that itself is called a secret."""
    if _is_base64(value):
        return False
    named = _IDENTIFIER.fullmatch(value) and _TELLS.search(value)
    return bool(_CALL.match(value) or _DOTTED.fullmatch(value) or _PATH.match(value) or named)


def is_random(value: str) -> bool:
    """Whether a machine made it: a run longer and more mixed than a name's."""
    if UUID.fullmatch(value) or _is_base64(value):
        return True
    if re.search(r"[(\[{]|://", value) or _PATH.match(value):
        return False
    return any(map(_is_mixed, re.findall(r"[A-Za-z0-9+/_~-]{12,}", value)))


def is_very_random(value: str) -> bool:
    """Capitals, small letters and digits in one run of 20 and more, as nothing else is."""
    runs = re.findall(r"[A-Za-z0-9+/_-]{20,}", value)
    return any(
        re.search("[a-z]", run) and re.search("[A-Z]", run) and re.search(r"\d", run)
        for run in runs
        if _density(run) >= 0.3
    )


def is_password(value: str) -> bool:
    """Whether no word looks like it, nor a number, a date or a version."""
    if len(value) < 6 or _NAMED.match(value) or UUID.fullmatch(value):
        return False
    return bool(re.search(r"\d|[^\w.,:!?/’-]|[a-z][A-Z]", value)) and not re.fullmatch(
        r"[\d.,:/%-]+[a-z]{0,3}", value
    )


def is_strong_password(value: str) -> bool:
    """Letters, digits, and capitals or signs among them: even without a sign before it."""
    return (
        len(value) >= 8
        and is_password(value)
        and bool(re.search(r"\d", value))
        and bool(re.search(r"[A-Za-z]", value))
        and bool(
            re.search(r"[a-z][A-Z]|[A-Z].*[a-z]|[^\w.,:/()-]|\w[_.-]\w|[a-z]\d{2,}[\W_]?$", value)
        )
    )


def is_single(value: str) -> bool:
    """One run of letters, or of digits, or of both: what a plain secret may look like."""
    return bool(re.fullmatch(r"[A-Za-z]{8,}|\d{6,}|(?=\S*\d)[A-Za-z0-9]{8,}", value))


def is_long_single(value: str) -> bool:
    """As `is_single`, longer than any word."""
    return bool(re.fullmatch(r"[A-Za-z]{20,}|\d{12,}|(?=\S*\d)[A-Za-z0-9]{16,}", value))


def is_plain_password(value: str) -> bool:
    """What may follow a sign of assignment: anything that is no code and no placeholder."""
    return len(value) >= 4 and not is_code(value)


def _is_base64(value: str) -> bool:
    """Long and mixed, although a slash makes it look like a path."""
    return bool(re.fullmatch(r"[A-Za-z0-9+/]{32,}={0,2}", value)) and is_very_random(value)


def _is_mixed(run: str) -> bool:
    digits = sum(char.isdigit() for char in run)
    return digits < len(run) and len(_SWITCH.findall(run)) >= 3 and _density(run) >= 0.18


def _density(run: str) -> float:
    return len(_SWITCH.findall(run)) / len(run)
