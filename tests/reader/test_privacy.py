"""What is private goes to an address on this machine or network, or after an explicit setting."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest

from failbot.errors import ReaderError
from failbot.reader import addresses
from failbot.reader.chat import Chat, Endpoint
from failbot.reader.language_model import LanguageModel
from tests.reader.conftest import QUESTION, passages
from tests.reader.server import ChatServer

LOCAL = [
    "127.0.0.1",
    "127.8.8.8",
    "10.1.2.3",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.1.1",
    "::1",
    "fd12::1",
    "fe80::1%eth0",
    "::ffff:10.0.0.1",
]
ELSEWHERE = [
    "8.8.8.8",
    "172.32.0.1",
    "192.169.0.1",
    "100.64.0.1",
    "0.0.0.0",
    "192.0.2.1",
    "198.18.0.1",
    "2001:db8::1",
    "::ffff:8.8.8.8",
    "64:ff9b::a00:1",
    "::",
]


@pytest.mark.parametrize("address", LOCAL)
def test_this_machine_and_network_are_local(address: str) -> None:
    """Loopback, RFC 1918, unique local and link-local, in both families."""
    assert addresses.is_local(address)


@pytest.mark.parametrize("address", ELSEWHERE)
def test_all_else_is_elsewhere(address: str) -> None:
    """Carriers' shared addresses, documentation, translation and "any" too."""
    assert not addresses.is_local(address)


TRICKS = ["localhost.evil.invalid", "127.0.0.1.evil.invalid", "xn--", "a..b", "", "x" * 300]


@pytest.mark.parametrize("host", TRICKS)
def test_a_name_that_looks_local_is_not(host: str) -> None:
    """Only what it resolves to counts, and nothing is elsewhere."""
    assert host == "" or not addresses.is_local_host(host)


Resolver = Callable[..., list[Any]]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[str]]]:
    """Names and what each look-up of them gives, the last again and again; the rest is real."""
    told: dict[str, list[list[str]]] = {}
    real = socket.getaddrinfo

    def resolve(host: Any, port: Any, *more: Any, **named: Any) -> list[Any]:
        if host not in told:
            return real(host, port, *more, **named)
        found = told[host].pop(0) if len(told[host]) > 1 else told[host][0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port or 0)) for one in found]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return told


def reader_at(chat: ChatServer, host: str, **more: bool) -> LanguageModel:
    url = f"http://{host}:{chat.server.server_port}/v1"
    return LanguageModel(Chat(Endpoint(url=url, model="m")), name="m", **more)


MIXED = [
    *passages("The loss became NaN."),
    *passages("x", "A NaN in the secret run.", is_private=True)[1:],
]


def test_private_text_reaches_a_local_server(chat: ChatServer) -> None:
    """A private question and private entries, with no setting."""
    readings = reader_at(chat, "127.0.0.1").read(QUESTION, MIXED, is_private=True)
    assert set(readings) == {1, 2}


def test_private_entries_do_not_leave(chat: ChatServer, names: dict[str, list[list[str]]]) -> None:
    """They are not read; the others are. The host is judged by its address."""
    names["models.example"] = [["203.0.113.7"]]
    reader = reader_at(chat, "models.example")
    assert not reader._source.is_local()
    names["models.example"] = [["203.0.113.7"], ["127.0.0.1"]]
    assert set(reader.read(QUESTION, MIXED, is_private=False)) == {1}
    assert "secret" not in str(chat.seen)


def test_a_private_question_does_not_leave(
    chat: ChatServer, names: dict[str, list[list[str]]]
) -> None:
    """Nothing is sent at all, for question and entries go together."""
    names["models.example"] = [["203.0.113.7"]]
    reader = reader_at(chat, "models.example")
    assert reader.read(QUESTION, MIXED, is_private=True) == {}
    assert chat.seen == []


def test_one_public_address_among_local_ones_is_elsewhere(
    names: dict[str, list[list[str]]],
) -> None:
    """Whichever of them would be connected to."""
    names["models.example"] = [["10.0.0.1", "203.0.113.7"]]
    assert not addresses.is_local_host("models.example")


def test_a_name_that_changes_its_address_gets_nothing(
    chat: ChatServer, names: dict[str, list[list[str]]]
) -> None:
    """Local when it is asked about, elsewhere when it is connected to (DNS rebinding)."""
    names["models.example"] = [["127.0.0.1"], ["203.0.113.7"]]
    with pytest.raises(ReaderError, match="private text stays"):
        reader_at(chat, "models.example").read(QUESTION, MIXED, is_private=True)
    assert chat.seen == []


def test_the_setting_lets_private_text_leave(
    chat: ChatServer, names: dict[str, list[list[str]]]
) -> None:
    """Then all of it is read, wherever the address is."""
    names["models.example"] = [["127.0.0.1"]]
    reader = reader_at(chat, "models.example", may_see_private=True)
    assert set(reader.read(QUESTION, MIXED, is_private=True)) == {1, 2}


def test_drafts_and_questions_hold_to_it_too(
    chat: ChatServer, names: dict[str, list[list[str]]]
) -> None:
    """A refusal that names the setting; nothing is sent."""
    names["models.example"] = [["203.0.113.7"]]
    reader = reader_at(chat, "models.example")
    for write in (reader.draft_from, reader.expected_questions):
        with pytest.raises(ReaderError, match="FAILBOT_LLM_PRIVATE"):
            write("secret")
    assert chat.seen == []


def test_the_environments_proxy_sees_nothing(
    chat: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy would be a third place that text goes to."""
    proxy = ChatServer()
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, proxy.url)
    assert reader_at(chat, "127.0.0.1").read(QUESTION, MIXED)
    proxy.close()
    assert proxy.seen == []
