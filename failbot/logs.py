"""How a serving process logs: ids, counts and durations, as text or JSON, and nothing for ever.

No level writes what people wrote, or who they are. An error's own text may quote it ("invalid
literal for int(): …"): of errors that are not failbot's, the log has the kind and the place.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from types import TracebackType

from pythonjsonlogger.json import JsonFormatter

from failbot.errors import FailbotError, SaidError

# What one line of the code may say, from warnings on: a full disk or an attack repeats itself.
BURST = 10
WINDOW_S = 60.0

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def set_up(*, style: str, level: str) -> None:
    """Logs to standard error from now on; failbot's own lines from `level` on, others' warnings.

    :param style: "text" or "json".
    """
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if style == "json" else TextLines())
    handler.addFilter(Repeats())
    logging.basicConfig(handlers=[handler])
    # Only failbot's own lines at the level that is set: Slack's libraries log whole messages.
    logging.getLogger("failbot").setLevel(level)
    logging.getLogger("faiss").setLevel(logging.WARNING)  # its search for CPU features


def told(error: BaseException) -> str:
    """Where an error was raised, and of which kind it and its causes are; the first cause first.

    One of failbot's own is its words alone, which say what to do: a disk that is full is no defect.
    """
    if isinstance(error, FailbotError):
        return _kind(error)
    parts: list[str] = []
    current: BaseException | None = error
    while current is not None and len(parts) < 10:
        parts.append("".join(traceback.format_tb(current.__traceback__)) + _kind(current))
        inner = None if current.__suppress_context__ else current.__context__
        current = current.__cause__ or inner
    return "\n".join(reversed(parts))


def _kind(error: BaseException) -> str:
    name = type(error).__name__
    if isinstance(error, FailbotError) and not isinstance(error, SaidError):
        return f"{name}: {error}"  # for whoever runs failbot
    if isinstance(error, OSError) and error.strerror:
        return f"{name}: {error.strerror}"
    return name


class TextLines(logging.Formatter):
    """A line a record."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatException(self, ei: ExcInfo) -> str:
        return told(ei[1]) if ei[1] is not None else ""


class JsonLines(JsonFormatter):
    """A JSON object a record: timestamp (UTC), level, logger, message, and what is in `extra`."""

    def __init__(self) -> None:
        super().__init__(
            "%(levelname)s %(name)s %(message)s",
            rename_fields={"levelname": "level", "name": "logger", "exc_info": "error"},
            timestamp=True,
        )

    def formatException(self, ei: ExcInfo) -> str:
        return told(ei[1]) if ei[1] is not None else ""


@dataclass(slots=True)
class _Window:
    """How often one line of the code has spoken since some moment."""

    since: float
    count: int = 0


class Repeats(logging.Filter):
    """Lets a line of the code speak `BURST` times in `WINDOW_S`, from warnings on.

    How often it was left out is said when it speaks again. By its place in the code, of which
    there are few, and not by its words.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._lock = Lock()
        self._windows: dict[tuple[str, int], _Window] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING:
            return True
        with self._lock:
            left_out = self._count(record.pathname, record.lineno)
        if left_out > 0:
            more = f" ({left_out:,} like it were left out before)"
            record.msg, record.args = f"{record.getMessage()}{more}", None
        return left_out >= 0

    def _count(self, path: str, line: int) -> int:
        """How many were left out before this one; -1 when this one is, too."""
        now = self._clock()
        window = self._windows.setdefault((path, line), _Window(now))
        left_out = 0
        if now - window.since >= WINDOW_S:
            left_out = max(0, window.count - BURST)
            window.since, window.count = now, 0
        window.count += 1
        return left_out if window.count <= BURST else -1
