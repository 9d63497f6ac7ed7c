"""Requests and replies as files, so that a run can be repeated, audited and judged offline.

The format is told in `.docs/reader.md`.
"""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any, TypeVar

from failbot.errors import InputError, ReaderError
from failbot.reader.base import Stats
from failbot.reader.chat import Completing
from failbot.reader.prompts import PROMPT_VERSION, Request
from failbot.reader.replies import ReplyError

Value = TypeVar("Value")


class Recorder:
    """Keeps every request, and the reply that it gets; without a model the requests alone.

    See Completing. A file that holds a reply already is used as it is, so that a run that was cut
    off goes on where it was.
    """

    def __init__(self, folder: Path, source: Completing | None) -> None:
        self._folder = folder
        self._source = source
        folder.mkdir(parents=True, exist_ok=True)

    def is_local(self) -> bool:
        return self._source is None or self._source.is_local()

    def stats(self) -> Stats:
        return self._source.stats() if self._source else Stats()

    def complete(self, request: Request[Value], *, deadline_s: float, only_local: bool) -> Value:
        path = _path(self._folder, request)
        kept = _kept(path) if path.exists() else None
        if kept is not None and kept["reply"] is not None:
            return _read(kept, request, path)
        if kept is None:
            _write(path, _as_dict(request))
        if self._source is None:
            raise ReaderError("there is none, and its request is kept without a reply")
        replies: list[str] = []
        value = self._source.complete(
            _listening(request, replies), deadline_s=deadline_s, only_local=only_local
        )
        _write(path, _as_dict(request) | {"reply": replies[-1]})
        return value


class Replayer:
    """Answers from recorded files, and calls nobody. See Completing."""

    def __init__(self, folder: Path) -> None:
        """:raises InputError: there is no such folder."""
        if not folder.is_dir():
            raise InputError(f"{folder} is no folder with recorded replies")
        self._folder = folder

    def is_local(self) -> bool:
        return True

    def stats(self) -> Stats:
        return Stats()

    def complete(self, request: Request[Value], *, deadline_s: float, only_local: bool) -> Value:
        """See Completing. :raises InputError: the reply is missing or unusable; it names the file.

        An InputError, which no answer goes on without: figures with holes would deceive.
        """
        path = _path(self._folder, request)
        if not path.exists():
            raise InputError(
                f"{path} is missing: the question, an entry or the prompt has changed since it "
                "was recorded; record it again"
            )
        kept = _kept(path)
        if kept["reply"] is None:
            raise InputError(f"{path} holds no reply yet")
        return _read(kept, request, path)


def _path(folder: Path, request: Request[Any]) -> Path:
    return folder / f"{request.kind}-{request.key}.json"


def _as_dict(request: Request[Any]) -> dict[str, Any]:
    return {
        "kind": request.kind,
        "prompt_version": PROMPT_VERSION,
        "key": request.key,
        "labels": request.labels,
        "messages": list(request.messages),
        "schema": request.schema,
        "reply": None,
    }


def _kept(path: Path) -> dict[str, Any]:
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} cannot be read ({type(error).__name__})") from error
    if not isinstance(kept, dict) or not isinstance(kept.get("labels"), dict):
        raise InputError(f"{path} is no recorded request: it has no labels")
    return {"reply": None, **kept}


def _read(kept: dict[str, Any], request: Request[Value], path: Path) -> Value:
    """The reply under the labels that it was written with, in the place of those drawn now."""
    reply = kept["reply"]
    text = reply if isinstance(reply, str) else json.dumps(reply)
    ours = dict(zip(kept["labels"], request.labels, strict=False))
    if len(kept["labels"]) != len(request.labels):
        raise InputError(f"{path} has {len(kept['labels'])} labels, not {len(request.labels)}")
    for theirs, label in ours.items():
        text = text.replace(theirs, label)
    try:
        return request.read(text)
    except ReplyError as error:
        raise InputError(f"{path}: the reply cannot be used: {error}") from error


def _listening(request: Request[Value], replies: list[str]) -> Request[Value]:
    """The same request, which keeps the replies that it is given to read."""

    def read(reply: str) -> Value:
        value = request.read(reply)
        replies.append(reply)
        return value

    return Request(
        kind=request.kind,
        key=request.key,
        messages=request.messages,
        schema=request.schema,
        most_tokens=request.most_tokens,
        read=read,
        labels=request.labels,
    )


def _write(path: Path, told: dict[str, Any]) -> None:
    """Whole or not at all: other threads and processes may use the folder meanwhile."""
    beside = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}.tmp")
    beside.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    beside.replace(path)
