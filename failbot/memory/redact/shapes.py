"""What is known for a secret by what it stands in: an address, a header, a command. One table."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

from failbot.memory.redact import values
from failbot.memory.redact.found import Found


def _any(value: str) -> bool:
    return not values.is_placeholder(value)


def _random(value: str) -> bool:
    return _any(value) and values.is_random(value)


def _signature(value: str) -> bool:
    return _random(value.replace("%", ""))


def _password(value: str) -> bool:
    return _not_code(value) and values.is_strong_password(value)


def _not_code(value: str) -> bool:
    return _any(value) and not values.is_code(value)


def _argument(value: str) -> bool:
    """Neither the next option, nor a port, a path or an address."""
    return _any(value) and not re.match(r"-|/|http", value) and values.is_password(value)


class Shape(NamedTuple):
    """The group `value` is a secret of this kind where the judge agrees.

    A text that holds none of the anchors, in small letters, is not searched.
    """

    kind: str
    anchors: tuple[str, ...]
    pattern: str
    judge: Callable[[str], bool]


_Q = r"[\"'“]?"
_WORD = r"(?P<value>[^\s\"'`<>|;]{4,400}+)"
# Programs that take a password after -p and its like.
_COMMANDS = (
    r"(?:docker|podman|nerdctl|buildah|skopeo|helm|oc|az|cf|crane|oras|argocd)\b[^\n|]{0,80}?\blogin"
    "|twine|sshpass|mysql"
    "|mysqldump|mysqladmin|mariadb|mongo|mongosh|mongodump|zip|7z|unrar|sqlcmd|rabbitmqadmin"
    "|ldapsearch|ldapmodify|redis-cli|openssl|cqlsh|snowsql|influx|vncviewer|xfreerdp|kinit"
)
SHAPES = (
    Shape(
        "password in an address",
        ("://",),
        r"://[^\s:/@?#\"'<>\[\]{}]{0,200}+:(?P<value>[^\s/\"'<>`]{1,400})@(?=[\w.\[-])",
        _any,
    ),
    Shape("key in an address", ("://",), r"://(?P<value>[\w-]{20,200})@(?=[\w.-])", _random),
    Shape(
        "password in an address",
        ("jdbc:",),
        r"jdbc:oracle:thin:\w{1,40}/(?P<value>[^\s@/]{1,80})@",
        _any,
    ),
    Shape(
        "webhook",
        ("hook", "/bot/", "/spaces/", "ifttt"),
        r"(?:hooks\.slack\.com/(?:services|workflows|triggers)|discord(?:app)?\.com/api/webhooks"
        r"|\.webhook\.office\.com/webhookb2|hooks\.zapier\.com/hooks/catch"
        r"|outlook\.office\.com/webhook|chat\.googleapis\.com/v1/spaces"
        r"|open\.(?:feishu|larksuite)\.(?:cn|com)/open-apis/bot|maker\.ifttt\.com/use)"
        r"/(?P<value>[\w/@.-]{12,400})",
        _any,
    ),
    Shape(
        "authorization header",
        ("bearer", "authorization"),
        r"\b(?:bearer|(?:proxy-)?authorization[\"']{0,2}\s{0,3}[:=,]\s{0,3}[\"']?"
        r"(?:bearer|basic|token|ssws|apikey|api-key|key|digest|splunk))"
        r"(?:\s{1,3}|%20)(?:token=)?[\"']?(?P<value>[\w~+/.=%:-]{16,4000}+)",
        _not_code,
    ),
    Shape(
        "authorization header",
        ("authorization",),
        r"\bauthorization[\"']{0,2}\s{0,3}[:=]\s{0,3}[\"']?(?P<value>[\w~+/.=-]{20,4000}+)",
        _random,
    ),
    Shape(
        "key in a header",
        ("x-", "-token", "-key"),
        r"\b(?:x-[\w-]{0,40}(?:key|token|secret|auth)|private-token|(?!idempotency)[\w-]{1,30}-key)"
        r"[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?P<value>[\w~+/.=-]{16,2000}+)",
        _random,
    ),
    Shape(
        "cookie",
        ("cookie",),
        r"\bcookie[\"']?\s{0,2}:[^\n]{0,300}?[\w.-]{2,60}=(?P<value>[\w%.+/=-]{16,2000}+)",
        _random,
    ),
    Shape(
        "signed address",
        ("=",),
        r"[?&;](?:amp;)?(?:x-(?:amz|goog|oss|cos)-(?:signature|security-token|credential)"
        r"|q-signature|signature|sig|hdnts|__token__|policy|code|auth|auth_?key|(?<!ccc\?)key"
        r"|apikey|api_key|appid|app_key|access_?key|token|t|st|hmac|pwd|invite|ticket|session|sid"
        r"|jwt|secret|otp)=(?P<value>[\w~%+/.*=-]{20,4000}+)",
        _signature,
    ),
    Shape(
        "password",
        (" -u", " --user", " --proxy", " -a ", " --auth"),
        r"\s(?:-u|--user|--proxy-user|-a|--auth)[ =]?[\"']?[\w.@\\+-]{1,80}:" + _WORD,
        _any,
    ),
    Shape(
        "password",
        ("password",),
        r"\b(?:login|account)\s{1,4}\S{1,80}\s{1,8}password\s{1,4}" + _WORD,
        _any,
    ),
    Shape(
        "key",
        ("wandb",),
        r"\bwandb(?:\.login|\s+login)(?:\s--[\w-]{1,20})?[\s(]{1,4}(?:key=)?[\"']?"
        r"(?P<value>[\w-]{20,200})",
        _any,
    ),
    Shape(
        "password",
        (" -p", " -w ", " -a ", " -k ", " -pass", " --pass"),
        rf"\b(?:{_COMMANDS})\b[^\n|]{{0,200}}?"
        r"\s(?:(?:-p|-w|-a|-k|--pass|-pw|-passin|-passout)(?:=|\s{1,3})|-p)"
        rf"(?:pass:)?{_Q}(?!\d{{2,5}}(?:\s|$))" + _WORD,
        _argument,
    ),
    Shape(
        "password", ("smbclient",), r"\bsmbclient\b[^\n]{0,80}-U\s{0,2}[\w\\]{1,40}%" + _WORD, _any
    ),
    Shape("password", ("/user:",), r"/user:\S{1,60}\s" + _WORD, _password),
    Shape("password", ("htpasswd",), r"\bhtpasswd\s-\w{1,8}\s\S{1,80}\s\S{1,40}\s" + _WORD, _any),
    Shape(
        "password",
        ("sudo -s", "chpasswd", "-stdin"),
        rf"\becho\s(?:-n\s)?{_Q}(?:[\w.-]{{1,40}}:)?{_WORD}[\"']?\s?\|\s?"
        r"(?:sudo\s-S|(?:sudo\s)?chpasswd|(?:docker|podman|helm)\s[^\n]{0,120}password-stdin)",
        _any,
    ),
    Shape(
        "token",
        ("echo ",),
        rf"\becho\s(?:-n\s)?{_Q}{_WORD}[\"']?\s?\|\s?(?:gh|glab|vault|wandb|huggingface-cli|hf)\s",
        _any,
    ),
    Shape(
        "password",
        ("auth",),
        r"\b(?:auth\s?=\s?\(|HTTP(?:Basic|Digest|Proxy)Auth\()\s?[\"'][^\"'\n]{1,80}[\"'],\s?"
        r"[\"'](?P<value>[^\"'\n]{4,400})",
        _any,
    ),
    Shape("password", ("http-basic",), r"\bhttp-basic\.\S{1,60}\s\S{1,80}\s" + _WORD, _any),
    Shape(
        "token",
        ("token", " -t "),
        r"\b(?:pypi-token\.\S{1,60}|(?:add-)?auth-?token|set-token|auth\s(?:init\s)?-t)\s" + _WORD,
        _random,
    ),
    Shape(
        "token",
        ("login", "auth"),
        r"\b(?:login|auth)\b[^\n]{0,60}?\s(?:-t|-k|--key|--apikey)[ =]" + _WORD,
        _random,
    ),
    Shape(
        "key",
        ('("', "('", "( "),
        r"(?:client|clientv2|api|login|auth|github|gitlab|openai|anthropic|mistral|cohere|pinecone"
        r"|groq|replicate|together|voyage|jina|tavily|bot|credential|provider|connection|token|key)"
        r"\(\s?[\"'](?P<value>[\w~+/.=-]{20,400})[\"']",
        _random,
    ),
    Shape(
        "key",
        ("client(",),
        r"client\(\s?[\"'][^\"'\n]{4,80}[\"'],\s?[\"'](?P<value>[\w~+/.=-]{20,400})[\"']",
        _random,
    ),
    Shape(
        "password",
        (":*:", "5432:", "6432:", "5433:", ".pgpass"),
        r"(?<![\w.-])[\w.-]{1,80}:(?:5432|6432|5433|\d{4,5}|\*):[\w*-]{1,40}:[\w*-]{1,40}:"
        r"(?P<value>[^\s:\"'`]{6,80})(?!\S)",
        _password,
    ),
    Shape(
        "key",
        ('"username"',),
        r"\"username\"\s?:\s?\"[^\"\n]{1,60}\",?\s{0,12}\"key\"\s?:\s?\"(?P<value>[0-9a-f]{20,64})\"",
        _any,
    ),
    Shape(
        "key",
        (" key",),
        r"\b(?:api|access|secret)\skey\b[^\n:]{1,70}:\s{1,3}(?P<value>[\w-]{24,200})(?![\w-])",
        _random,
    ),
    Shape(
        "password",
        ("credential", "creds"),
        r"\bcred(?:ential)?s?\s(?:are|is|were|was)\s[\w.@-]{1,60}\s?[/:]\s?" + _WORD,
        _password,
    ),
    Shape(
        "key",
        ("-key-data",),
        r"-key-data[\"']?\s{0,3}:\s{0,3}[\"']?(?P<value>[A-Za-z0-9+/=]{20,9000}+)",
        _any,
    ),
    Shape(
        "webhook",
        ("hook",),
        r"/(?:web)?hooks?/(?:[\w-]{1,40}/){0,3}(?P<value>[\w-]{20,200})",
        _random,
    ),
    Shape(
        "password",
        ("sqlplus",),
        r"\bsqlplus\s(?:-\w{1,3}\s)?\w{1,40}/(?P<value>[^\s@/]{4,80})@",
        _any,
    ),
    Shape(
        "password",
        ("admin", "root", "ubuntu", "postgres", "guest"),
        r"(?<![\w./:@-])(?:admin|root|administrator|postgres|ubuntu|guest)\s?[:/]\s?" + _WORD,
        _password,
    ),
    Shape(
        "secret",
        ("--body", "-string"),
        rf"\bsecret\b[^\n]{{0,120}}\s--(?:body|secret-string)[ =]{_Q}" + _WORD,
        _any,
    ),
    Shape(
        "token",
        ("<<<",),
        rf"\b(?:token|key|secret|password)\b[^\n<]{{0,60}}<<<\s?{_Q}" + _WORD,
        _random,
    ),
    Shape(
        "token",
        ("echo ", "printf "),
        rf"\b(?:echo|printf)\s(?:-n\s)?{_Q}{_WORD}[\"']?\s?>{{1,2}}\s?"
        r"\S{0,80}(?:token|key|secret|passw|credential|netrc|pgpass)",
        _random,
    ),
    Shape(
        "pin",
        ("pin",),
        r"(?-i:\bPIN)(?:\s(?:is|was)|\s?[:=])\s{0,2}[`\"'*]{0,3}(?P<value>\d{4,8})\b",
        _any,
    ),
)


def shapes(text: str) -> Iterator[Found]:
    """Every secret that what surrounds it gives away."""
    lowered = text.lower()
    for shape, compiled in _compiled():
        if any(anchor in lowered for anchor in shape.anchors):
            for match in compiled.finditer(text):
                value = match["value"].rstrip(".,;:)]}")
                if shape.judge(value):
                    start = match.start("value")
                    yield Found(start, start + len(value), shape.kind)


@cache
def _compiled() -> tuple[tuple[Shape, re.Pattern[str]], ...]:
    flags = re.IGNORECASE | re.MULTILINE
    return tuple((one, re.compile(one.pattern, flags)) for one in SHAPES)
