"""What is no secret by its form, but by the name it is given: one table of telling names.

A name tells the more, the plainer the sign between it and its value: `DB_PASS=sunshine` is a
password, "the password is wrong" is none. Values are judged in `values`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from failbot.memory.redact import values
from failbot.memory.redact.found import Found


class Name(NamedTuple):
    """What people are told was taken out, and how it is written before a value."""

    kind: str
    pattern: str


NAMES = (
    Name(
        "password", r"pass(?:[_-]?word|wd|phrase|code|wort)|pwd|kennwort|contrase[nñ]a|mot de passe"
    ),
    Name(
        "password", r"senha|wachtwoord|пароль|密码|has[lł]o|parola|lösenord|requirepass|masterauth"
    ),
    Name("password", r"identified\sby|(?<![A-Za-z])(?:pass|pw|psk)|(?<=[a-z])(?-i:Pass|Pw)"),
    Name("credentials", r"cred(?:ential)?s?"),
    Name("secret", r"secrets?|salt|hmac|mnemonic|(?:seed|recovery)\sphrase"),
    Name("token", r"tokens?|jwt|(?<![A-Za-z])(?:pat|bearer)"),
    Name("key", r"keys?"),
    Name("signature", r"signature|(?<![A-Za-z])sig"),
    Name("login", r"(?<![A-Za-z])_?auth"),
)
# A bare "key" is mostly a dictionary's; with one of these before it, it opens something.
_OPENS = re.compile(
    r"(?:(?<![A-Za-z])|(?-i:(?<=[a-z])(?=[A-Z])))(?:api|preshared|access|account|secret|private|auth|encryption|encrypt|signing|sign|shared|master"
    r"|storage|license|licence|service|app|application|admin|subscription|write|wandb|client|deploy"
    r"|project|root|fernet|hub|hf|openai|anthropic|azure|function|functions|host|ingest|integration"
    r"|x|server|user|bot|webhook|session|jwt|hmac|aes|ssh|gpg|pgp|tls|ssl|stripe|datadog|dd"
    r"|sendgrid|twilio|mail|smtp|vault|consumer|developer|org)[_. -]?$",
    re.IGNORECASE,
)
_NEAR = 15  # characters before a name: the longest of the words here, and what is before it
# What else has a key or a token: data, and models of language.
_HARMLESS = re.compile(
    r"(?<![A-Za-z])(?:sort|primary|foreign|partition|cache|public|pub|hot|row|range|hash|group|dict|state|shard"
    r"|index|sorting|order|join|unique|composite|query|map|routing|object|file|json|column|feature"
    r"|lookup|natural|surrogate|dedup|idempotency|config|conf|metric|param|attention|kv|registry"
    r"|num|n|max|min|total|avg|mean|bos|eos|pad|unk|sep|cls|mask|special|per|input|output"
    r"|completion|first|last|next|stop|start|end|seen|cached|target|image|video|text|decoder"
    r"|forward|backward|multi|two|one|single|second|each|every|byte|word|sub|control|by|continuation"
    r"|page|cancellation|delimiter)[_. -]?$",
    re.IGNORECASE,
)
# After the name: whose, or which one. An id, a size or a file's name is no secret.
_REST = r"(?P<rest>(?:[_-][A-Za-z0-9]{1,16}){0,2})"
_NO_VALUE = re.compile(
    r"[_-](?:ids?|hash|file|path|name|count|size|len|length|type|url|uri|sha\d*|digest|index|arn"
    r"|fingerprint|version|field|column|policy|provider|limit|rate|dim|embedding|embeddings|loss"
    r"|algorithm|algo|alg|timeout|required|enabled|regex|pattern|env|var|hint|prompt|cost|rounds|budget|usage|weights?|expiry|expires|age|ttl|manager|store|ring|map|error|class|vault|prefix|label|format|kind)\b",
    re.IGNORECASE,
)
_SHUT = r"(?:[\"'`*_~\\\])}]|%22|%27){0,6}+"
_WORDS = (
    r"is|was|are|were|has\sbeen|got|to|as|ist|lautet|es|est|changed|set|reset|still|now|always"
    r"|just|currently"
)
_SIGN = (
    r"(?P<sign>\s{0,3}(?:\([\w ]{1,20}\)\s?)?"
    r"(?::\s?(?:SecretStr|str|string|Optional\[str\]|&str)\s?)?"
    r"(?:::?=|=>|={1,2}|->|→|⇒|[:：])\s{0,3}(?:[*_]{1,2}\s{1,3}|\\\n\s{0,8})?[\[{(<]?"
    r"|%3[AaDd](?:%20|\+)?"
    r"|\s{0,3}\|\s{0,3}"
    r"|</name>\s{0,12}<value>"
    r"|[\"']?[,{\s]{1,12}[\"']?(?:value|default)[\"']?\s{0,3}[:=]\s{0,3}"
    r"|\s(?:for|of|to|on|in|at)(?:\s[\w'.@-]{1,24}){1,5}?(?:\s(?:is|was|=)\s|\s?[:=]\s{1,2})"
    rf"|(?:\s(?:{_WORDS})){{1,4}}:?\s{{1,2}}"
    r"|\s[–—-]\s"
    r"|\s?\((?:[\w ]{1,20}\):?)?\s?"
    r"|,\s{0,3}(?=[\"'])"
    r"|>(?=[^<\s])"
    r"|\s{1,12})"
)
_VALUE = (
    r"(?:\\?\"(?P<double>[^\"\n\\]{1,4000}+)|\\?'(?P<single>[^'\n\\]{1,4000}+)"
    r"|`{1,3}(?P<tick>[^`\n]{1,4000}+)|[“„«](?P<curly>[^”“»\n]{1,400}+)"
    r"|\*{1,2}(?P<star>[^*\s]{1,400}+)\*|%22(?P<escaped>[\w.~+/-]{1,400}+)"
    r"|(?P<bare>[\w+/.~$-]{0,4000}+[^\s\"'`<>|]{0,120}+))"
)
_TOLD = re.compile(
    rf"(?P<name>{'|'.join(one.pattern for one in NAMES)}){_REST}{_SHUT}{_SIGN}{_VALUE}",
    re.IGNORECASE,
)
# How the names begin, in small letters: found ten times as fast as the names themselves.
_STEM = re.compile(
    r"pass|pwd|p(?:w|sk|at)\b|kennw|contrase|mot de p|senha|wachtw|парол|密码|has[lł]o|parola"
    r"|lösen|requirep|mastera|identified|_?auth\b|cred|secret|salt|hmac|mnemonic|seed|recovery"
    r"|token|jwt|bearer|key|sig"
)
# Where a bare value ends before its run of characters does: at the next setting.
_NEXT = re.compile(r"[&;,](?:amp;)?[\w .%-]{1,40}=|%26|\\[nrt\"]|[,;]?\\?[\"']|%22|%3[Bb]")
_TAIL = re.compile(r"[.,;:)\]}\\]+$")
_KINDS = tuple(
    (re.compile(one.pattern.replace("(?<=[a-z])", ""), re.IGNORECASE), one.kind) for one in NAMES
)


_BARE = ("key", "token", "pass", "keys", "tokens", "secret")
_PLURAL = ("key", "token", "secret")


class Told(NamedTuple):
    """A name, its sign and its value as they stand in the text."""

    kind: str
    name: str
    before: str  # on the same line
    rest: str
    sign: str
    value: str
    is_quoted: bool
    after: str  # the character after the value

    @property
    def assigns(self) -> bool:
        return self.is_option or bool(re.search(r"=|%3[dD]|value|default", self.sign))

    @property
    def is_option(self) -> bool:
        """`--hub_token x`, with a space."""
        return self.sign.isspace() and bool(re.search(r"(?:^|\s)--?[\w-]*$", self.before))

    @property
    def is_loose(self) -> bool:
        """Nothing but a space, a dash or a parenthesis between name and value."""
        told = re.search(r"[:：=|>→⇒,]|%3|[a-z]", self.sign)
        return not told and not self.is_option

    @property
    def is_setting(self) -> bool:
        """SHOUTED_WITH_UNDERSCORES, as variables of an environment are."""
        whole = re.search(r"[\w]*$", self.before)
        written = (whole[0] if whole else "") + self.name + self.rest
        return "_" in written and written.isupper()


def named(text: str) -> Iterator[Found]:
    """Every secret whose name stands before it."""
    lowered = text.lower()
    if len(lowered) != len(text):  # a few letters of the world grow when they are small
        lowered = re.sub("[A-Z]", lambda one: one[0].lower(), text)
    position = 0
    while stem := _STEM.search(lowered, position):
        position = stem.end()
        match = _TOLD.match(text, stem.start())
        if match is None:
            continue
        told, start = _told(text, match)
        if told.value and _opens(told):
            yield Found(start, start + len(told.value), told.kind)
            position = start + len(told.value)


def _told(text: str, match: re.Match[str]) -> tuple[Told, int]:
    group = match.lastgroup or "bare"
    start, value = match.start(group), match[group]
    if group == "bare":
        value = _trimmed(value)
    before = text[max(0, match.start() - 40) : match.start()]
    told = Told(
        kind=next(kind for pattern, kind in _KINDS if pattern.match(match["name"])),
        name=match["name"],
        before=before.rpartition("\n")[2],
        rest=match["rest"],
        sign=match["sign"],
        value=value,
        is_quoted=group != "bare",
        after=text[start + len(value) : start + len(value) + 1],
    )
    return told, start


def _trimmed(value: str) -> str:
    """Without the next setting, the sentence's sign, and the marks around it."""
    if cut := _NEXT.search(value):
        value = value[: cut.start()]
    return _TAIL.sub("", value).rstrip("*_" if value[:1] in "*_" else "")


def _opens(told: Told) -> bool:
    if values.is_placeholder(told.value) or _NO_VALUE.search(told.rest):
        return False
    if told.name.lower() in _BARE and _HARMLESS.search(told.before[-_NEAR:]):
        return False
    if (told.name.lower().endswith("s") and told.kind in _PLURAL) or told.sign.endswith("<"):
        return not told.is_loose and values.is_random(told.value)
    judge = {"password": _password, "credentials": _credentials, "key": _key, "login": _login}
    judge |= {"signature": _signature}
    if told.name.lower().endswith(("phrase", "mnemonic")) and told.kind == "secret":
        return len(re.findall(r"\b[a-z]{3,8}\b", told.value)) >= 12
    return judge.get(told.kind, _strong)(told)


def _password(told: Told) -> bool:
    value = told.value
    if told.is_loose:
        return _loose_password(told)
    if (values.is_code(value) and not told.is_quoted) or (" " in value and not told.assigns):
        return False
    if told.name.lower() in ("pass", "pw", "psk") and not (
        told.assigns or told.is_quoted or told.is_setting
    ):
        return values.is_password(value) and bool(re.search("[A-Za-z]", value))
    if told.assigns or told.is_setting:
        return values.is_plain_password(value) and not _is_variable(told)
    return _told_password(told)


def _told_password(told: Told) -> bool:
    """After a colon or a verb: anything in quotes, else what no word looks like."""
    if told.is_quoted:
        return len(told.value) >= 4
    if told.value.isdigit():
        return len(told.value) >= 6
    return values.is_password(told.value) or _ends_a_setting(told)


def _loose_password(told: Told) -> bool:
    """After nothing but a space: what people choose for passwords, or what a statement sets."""
    value = told.value
    sets = told.name.lower().startswith(("identified", "requirepass", "masterauth"))
    if sets or (told.is_quoted and re.search(r"with\s$", told.before, re.IGNORECASE)):
        return len(value) >= 4
    if values.is_code(value) or " " in value:
        return False
    return values.is_strong_password(value) or (told.is_quoted and values.is_password(value))


def _is_variable(told: Told) -> bool:
    """`connect(user, password=passphrase)` hands on a variable."""
    is_name = re.fullmatch(r"[a-z_]+", told.value)
    return bool(is_name and not told.is_quoted and told.after and told.after in "),")


def _ends_a_setting(told: Told) -> bool:
    """`  password: sunshine` on a line of its own, as in YAML."""
    alone = not re.search(r"\w\s", told.before) and told.after in ("", "\n", "\r")
    return alone and ":" in told.sign and bool(re.fullmatch(r"[a-z]{8,}", told.value))


def _credentials(told: Told) -> bool:
    secret = re.split(r"[:/]", told.value)[-1]
    return not values.is_code(secret) and values.is_strong_password(secret) and not told.is_loose


def _key(told: Told) -> bool:
    if _OPENS.search(told.before[-_NEAR:]):
        return _strong(told)
    if re.search(r"[A-Z0-9]_$", told.before) and told.name.isupper():
        return _strong(told)
    if told.before.endswith("/ccc?"):  # how spreadsheets were once addressed
        return False
    return values.is_very_random(told.value) and not re.search("[./]", told.value)


def _signature(told: Told) -> bool:
    return told.assigns and len(told.value) >= 16 and not values.is_code(told.value)


def _login(told: Told) -> bool:
    """What docker's and npm's settings call auth."""
    quoted = told.is_quoted and ":" in told.sign
    return (quoted or told.assigns) and values.is_random(told.value)


def _strong(told: Told) -> bool:
    """A machine's value anywhere; a plain one only where a setting is assigned."""
    value = told.value
    if told.is_loose:
        return values.is_random(value) and not values.is_code(value) and len(value) >= 16
    if told.is_quoted and told.assigns and re.search(r"[^\w./:-]", value) and " " not in value:
        return len(value) >= 16
    if values.is_code(value):
        return False
    if values.is_random(value):
        return True
    opens = told.is_setting or _OPENS.search(told.before[-_NEAR:]) is not None
    judge = values.is_single if told.assigns else values.is_long_single
    return opens and judge(value) and not _is_variable(told)
