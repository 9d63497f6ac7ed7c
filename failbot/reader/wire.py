"""One HTTP exchange under guard: a hard deadline, a bounded answer, and only allowed addresses."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable
from functools import cache
from typing import Any

import httpcore2
import httpx2

from failbot.errors import PrivateTextError
from failbot.reader.addresses import is_local, resolve

ANSWER_BYTES = 2_000_000  # a hundred times the longest reading


class GuardedTransport(httpx2.BaseTransport):
    """Sends a request on a connection of its own; follows nothing, and uses no proxy.

    Connecting, TLS and every read end at `until`, monotonic seconds: a server that drips a byte
    a second cannot hold an answer back. With `only_local` the address that is connected to is
    the one that was checked, so that no second look-up can give another.
    """

    def __init__(self, *, until: float, only_local: bool) -> None:
        self._pool = httpcore2.ConnectionPool(
            ssl_context=_ssl_context(),
            network_backend=_Backend(until=until, only_local=only_local),
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """The whole answer. :raises httpx2.TransportError: :raises PrivateTextError:"""
        try:
            return self._exchange(request)
        except httpcore2.TimeoutException as error:
            raise httpx2.ReadTimeout("the deadline has passed") from error
        except (httpcore2.NetworkError, httpcore2.ProtocolError) as error:
            raise httpx2.NetworkError(f"{type(error).__name__}: {error}") from error

    def close(self) -> None:
        self._pool.close()

    def _exchange(self, request: httpx2.Request) -> httpx2.Response:
        url = request.url
        with self._pool.stream(
            request.method,
            httpcore2.URL(
                scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
            ),
            headers=[*_plain(request.headers.raw), (b"Accept-Encoding", b"identity")],
            content=request.read(),
        ) as answer:
            headers = [one for one in answer.headers if one[0].lower() != b"content-encoding"]
            if len(headers) < len(answer.headers):
                raise httpx2.NetworkError("the answer is compressed, which was not asked for")
            body = _bounded(answer.iter_stream())
        return httpx2.Response(answer.status, headers=headers, content=body, request=request)


@cache
def _ssl_context() -> ssl.SSLContext:
    """Made once: reading the machine's certificates takes 20 ms."""
    return httpx2.create_ssl_context()


def _plain(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [one for one in headers if one[0].lower() != b"accept-encoding"]


def _bounded(chunks: Iterable[bytes]) -> bytes:
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > ANSWER_BYTES:
            raise httpx2.NetworkError(f"the answer is longer than {ANSWER_BYTES:,} bytes")
    return bytes(body)


class _Backend(httpcore2.NetworkBackend):
    """Connects to an address that it has looked at."""

    def __init__(self, *, until: float, only_local: bool) -> None:
        self._until = until
        self._only_local = only_local
        self._plain = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        """A connection to the first of the host's addresses that answers."""
        failed: Exception = httpcore2.ConnectError(f"no address for {host}")
        for address in self._addresses(host):
            try:
                stream = self._plain.connect_tcp(
                    address, port, _left(self._until), local_address, socket_options
                )
                return _Stream(stream, until=self._until)
            except httpcore2.NetworkError as error:
                failed = error
        raise failed

    def _addresses(self, host: str) -> list[str]:
        try:
            found = resolve(host, timeout_s=_left(self._until))
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout(f"{host} was not found in time") from error
        except OSError as error:
            raise httpcore2.ConnectError(f"{host} is not found") from error
        if self._only_local and not all(map(is_local, found)):
            raise PrivateTextError(
                "its address is not on this machine or network, and private text stays there"
            )
        return found


class _Stream(httpcore2.NetworkStream):
    """A stream whose every operation ends at the deadline."""

    def __init__(self, stream: httpcore2.NetworkStream, *, until: float) -> None:
        self._stream = stream
        self._until = until

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._until))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._until))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        """The stream encrypted, under the same deadline."""
        inner = self._stream.start_tls(ssl_context, server_hostname, _left(self._until))
        return _Stream(inner, until=self._until)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(until: float) -> float:
    """Seconds until then. :raises httpcore2.ReadTimeout: none."""
    left = until - time.monotonic()
    if left <= 0:
        raise httpcore2.ReadTimeout("the deadline has passed")
    return left
