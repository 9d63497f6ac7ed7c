"""Whether a host is on this machine or network: by its addresses, never by its name."""

from __future__ import annotations

import socket
from concurrent.futures import Future
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from failbot.threads import Stop, Worker

# Loopback (RFC 1122, RFC 4291), private use (RFC 1918, RFC 4193), link-local (RFC 3927, RFC 4291).
# Named one by one: `ipaddress.is_private` holds further blocks, such as carriers' shared ones.
LOCAL = tuple(
    ip_network(one)
    for one in (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    )
)
RESOLVING_S = 2.0


def is_local(address: str) -> bool:
    """Whether this IP address is loopback, private or link-local; an IPv4 in an IPv6 is itself."""
    parsed: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return any(parsed.version == one.version and parsed in one for one in LOCAL)


def resolve(host: str, *, timeout_s: float = RESOLVING_S) -> list[str]:
    """The host's addresses in the resolver's order, none twice.

    :raises TimeoutError: getaddrinfo has no time limit of its own, so a thread waits for it.
    :raises OSError: there is no such host.
    """
    found: Future[list[str]] = Future()
    Worker("resolve", lambda _: _look_up(host, found), stop=Stop(), patience_s=0.0).start()
    return found.result(timeout_s)


def is_local_host(host: str) -> bool:
    """Whether every address of the host is local; one that cannot be found is not."""
    try:
        found = resolve(host)
    except (OSError, UnicodeError):  # TimeoutError is an OSError
        return False
    return bool(found) and all(map(is_local, found))


def _look_up(host: str, found: Future[list[str]]) -> None:
    try:
        rows = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        found.set_result(list(dict.fromkeys(str(row[4][0]) for row in rows)))
    except Exception as error:  # whoever waits gets it
        found.set_exception(error)
