"""A chat server of our own, and a reader that asks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from failbot.reader.base import Passage
from failbot.reader.chat import Chat, Endpoint
from failbot.reader.language_model import LanguageModel
from tests.reader.server import ChatServer

QUESTION = "the loss became NaN after 900 steps"
Ask = Callable[..., LanguageModel]


def passages(*texts: str, **more: Any) -> list[Passage]:
    """One passage a text, numbered from 1, seen by the workspace."""
    return [
        Passage(**{"version": 1, "is_private": False, **more}, number=number, text=text)
        for number, text in enumerate(texts, start=1)
    ]


@pytest.fixture
def chat() -> Iterator[ChatServer]:
    """It finds the same failure in entries that hold "NaN", help in those that hold "loss"."""
    server = ChatServer()
    server.judge = lambda question, entry: (
        "same" if "NaN" in entry else "helps" if "loss" in entry else "no"
    )
    yield server
    server.close()


@pytest.fixture
def model(chat: ChatServer) -> LanguageModel:
    return reading_from(chat)


def reading_from(chat: ChatServer, *, cached: int = 100, **more: Any) -> LanguageModel:
    """A model on this server that never sleeps longer than 10 ms."""
    source = Chat(Endpoint(url=chat.url, model="m", key="k"), sleep=lambda seconds: None, **more)
    return LanguageModel(source, name="m", cached=cached)
