"""Words that match, and what tells in a long paste: engineers' text, cut into what is compared."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

import snowballstemmer  # type: ignore[import-untyped]  # it ships no types

# Function words, pronouns and auxiliaries: they carry no problem. Contractions lose their
# tail at the apostrophe ("don't" is "don" and "t").
FUNCTION_WORDS = """
    a about after again against all also am an and any are as at be been before being between
    both but by can could d did do does doing done down during each every few for from had has
    have having he her here him his how i if in into is it its just ll m may me might more most my
    no not nor of off on once one only or other our out over own per re s same shall she should so
    some such t than that the their them then there these they this those through to too two under
    until up us ve very via was we were what when where which while who whom why will with would
    you your ain aren couldn didn doesn don hadn hasn haven isn shouldn wasn weren won wouldn
"""
STOP_WORDS = frozenset(FUNCTION_WORDS.split())
# 1e-8, a decimal number (.95 and 0.95 alike), or an identifier in one piece: cuda_error_oom.
WORD = re.compile(
    r"(?<![\w.])\d*\.?\d+[eE][-+]?\d+(?!\w)|(?<![\w.])\d*\.\d+(?![\w.])|[^\W_]+(?:_+[^\W_]+)*"
)
PART = re.compile(r"\d*\.?\d+[eE][-+]?\d+|\d*\.\d+|\d+|[^\W\d_]+")  # bf16 is bf and 16 as well
CAMEL = re.compile(r"(?<=[a-z\d])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
SHORTEST_HUMP = 3  # letters: GradScaler is two words, NaN and LoRA are one
LONGEST_WORD = 64  # characters; beyond this it is a hash or a blob, which no one types again

PASTE_LIMIT = 60  # words; about twice a long question, and within the 256 tokens of the model
ERROR_LINE = re.compile(
    r"(?:\b[\w.]*(?:Error|Exception|Failure|Fault|Interrupt|Timeout)\b)"
    r"|\b(?:error|fatal|panic|abort(?:ed)?|killed|assert(?:ion)?|failed|traceback"
    r"|segmentation fault|core dumped|out of memory|nan)\b|^\s*(?:E  |caused by:)",
    re.IGNORECASE,
)
FRAME_LINE = re.compile(
    r"^\s*(?:File \".*\", line \d+|at [\w.$<>]+\(|#\d+ |\d+: |\.\.\. \d+ more|Traceback \()"
)
ROUTINE_LINE = re.compile(
    r"^\W*(?:\d{4}-\d\d-\d\d|\d\d:\d\d:\d\d|\[?(?:info|debug|trace|warn(?:ing)?)\b)|\d+%\|"
    r"|^[\s\W]*$",
    re.IGNORECASE,
)
CODE_LINE = re.compile(r"[;{}]\s*$|^\s*(?:import |from |def |class |return |self\.|>>>|\$ |//|#!)")
NOISE = re.compile(
    r"\x1b\[[\d;]*[A-Za-z]"  # colours of a terminal
    r"|\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?Z?"
    r"|\b\d\d:\d\d:\d\d(?:[.,]\d+)?"
    r"|\b0x[0-9a-fA-F]{4,}\b"
    r"|\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"
    r"|```\w*"
)
FOLDERS = re.compile(r"(?<![\w:/])(?:~|\.{1,2})?/?(?:[\w.@+-]+/){2,}(?=[\w.])")


def words(text: str) -> list[str]:
    """The text's words as they are matched: stems in order, repeats kept, stop words dropped.

    An identifier gives itself and its parts: `CUDA_ERROR_ILLEGAL_ADDRESS` and `GradScaler` match
    themselves and "illegal address", "scaler"; `bf16`, `80ms` likewise. Numbers are words.
    """
    return [word for raw in _raw_words(text) for word in _forms(raw)]


def content_words(text: str) -> int:
    """How many different words carry meaning; with fewer than two anything matches ("test")."""
    lowered = (raw.lower() for raw in _raw_words(text))
    return len({_stem(raw) for raw in lowered if raw not in STOP_WORDS})


def salient(text: str, limit_words: int = PASTE_LIMIT) -> str:
    """What to encode of a question: a short one as it is, on one line; of a long paste what tells.

    Of a paste longer than `limit_words` the lines that name an error come first, then what the
    person wrote, then the innermost frames, then the rest, in the order of the text; time
    stamps, addresses and folders go. At most `limit_words` words are left.
    """
    if len(text.split()) <= limit_words:
        return " ".join(text.split())
    lines = text.splitlines()
    chosen: dict[int, str] = {}
    left = limit_words
    for at in sorted(range(len(lines)), key=lambda at: _priority(lines[at], at)):
        line = " ".join(_clean(lines[at]).split()[:left])
        if line and line not in chosen.values():
            chosen[at] = line
            left -= len(line.split())
        if not left:
            break
    return " ".join(chosen[at] for at in sorted(chosen))


def _raw_words(text: str) -> Iterator[str]:
    for raw in WORD.findall(unicodedata.normalize("NFKC", text)):
        if len(raw) <= LONGEST_WORD:
            yield f"0{raw}" if raw.startswith(".") else raw


def _forms(raw: str) -> Iterator[str]:
    humps = CAMEL.sub(" ", raw)
    if any(len(hump) < SHORTEST_HUMP for hump in humps.split()):
        humps = raw
    parts = PART.findall(humps)
    if len(parts) > 1 and not raw[0].isdigit():  # 80ms is 80 and ms, but bf16 a name
        yield _stem(raw.lower())
    yield from (_stem(part.lower()) for part in parts if part.lower() not in STOP_WORDS)


@lru_cache(maxsize=65_536)
def _stem(word: str) -> str:
    # A stemmer keeps its state in itself: one for each call is safe from any thread.
    stem: str = snowballstemmer.stemmer("english").stemWord(word)
    return stem


def _priority(line: str, at: int) -> tuple[int, int]:
    """Errors, then prose, then frames from the innermost outwards, then code and routine lines."""
    if FRAME_LINE.search(line):
        return 2, -at
    if ERROR_LINE.search(line):
        return 0, at
    return (3 if ROUTINE_LINE.search(line) or CODE_LINE.search(line) else 1), at


def _clean(line: str) -> str:
    return " ".join(FOLDERS.sub("", NOISE.sub(" ", line)).split())
