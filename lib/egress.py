"""Where webhooks, e-mails and downloads may go: which URLs are taken, and which addresses their names may stand for.

Whoever may submit a job could otherwise let this process send requests to what only it can reach: the cluster's own
services, the cloud's metadata. So every address of a name is looked at when a request is sent, and the connection is made to
one of exactly those; a name that means something else a moment later changes nothing.
"""

import ipaddress
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MOST_CHARACTERS = 2_048
# Of mail, unquoted and in ASCII.
_MAILBOX = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+"
ADDRESS = re.compile(rf"(?=.{{3,254}}\Z){_MAILBOX}\Z")
_PRINTABLE = re.compile(r"[!-~]+\Z")  # no spaces, no controls: nothing that could end a line of a request
_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_]([a-z0-9_-]{0,62}))*\.?\Z")
_NUMERIC = re.compile(r"(0x[0-9a-f]*|[0-9]+)\.?\Z")  # a last label with which resolvers take a host for an address
_LOCAL_NAMES = re.compile(r"(.+\.)?localhost\.?\Z")
_PORTS = {"http": 80, "https": 443}
_LOWEST_FREE_PORT = 1_024
# Global by the registries, and yet the cloud's own: Azure's metadata and agent service.
_CLOUD = frozenset({ipaddress.ip_address("168.63.129.16")})
_GLOBAL_6 = ipaddress.ip_network("2000::/3")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# Special by IANA's registries, not all of which every Python knows: assignments to protocols (192.0.0.192 is the metadata of a
# cloud), relays, documentation. Many of 2001::/23 and 2002::/16 hold an address of IPv4, to which others would carry them.
_SPECIAL = tuple(ipaddress.ip_network(each) for each in ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2002::/16", "3fff::/20"))


class Refused(Exception):
    """A request may not go there, now or later; the message says why and what may be done about it."""


@dataclass(frozen=True)
class Endpoint:
    """A URL that may be tried: what to connect to, and what to ask for there."""

    tls: bool
    host: str
    port: int
    target: str  # path and query

    @property
    def authority(self) -> str:
        """For the header Host."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS["https" if self.tls else "http"] else f"{host}:{self.port}"


class Egress:
    """The rules of one release.

    Args:
        allow: host names (`hooks.svc`, or `.svc` with all below it) and networks (`10.1.0.0/16`) that are allowed although
            they are private.
        setting: the one that `allow` stands in, for the words of a refusal.
    """

    def __init__(self, allow: Iterable[str] = (), setting: str = "WEBHOOK_ALLOW") -> None:
        self._setting = setting
        self._names: list[str] = []
        self._networks: list[Network] = []
        for each in allow:
            try:
                self._networks.append(ipaddress.ip_network(each, strict=False))
            except ValueError:
                self._names.append(each.lower())

    def endpoint(self, url: str) -> Endpoint:
        """What a URL asks for. Looks nothing up: a name is judged by `addresses`.

        Raises: Refused.
        """
        if len(url) > MOST_CHARACTERS or not _PRINTABLE.match(url) or "\\" in url:
            raise Refused(f"must be a URL of at most {MOST_CHARACTERS} printable ASCII characters, without a backslash")
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").rstrip("."), parts.port
        except ValueError as error:
            raise Refused(f"is no URL: {error}") from None
        if parts.scheme not in _PORTS:
            raise Refused("must be an https:// or http:// URL")
        if "@" in parts.netloc:
            raise Refused("must not hold a user name or password")
        if parts.fragment:
            raise Refused("must not have a fragment (#...), which is never sent")
        port = _PORTS[parts.scheme] if port is None else port
        self._check_host(host)
        if port not in _PORTS.values() and port < _LOWEST_FREE_PORT and not self._allows_name(host):
            raise Refused(f"has the port {port}; 80, 443 and those from {_LOWEST_FREE_PORT} on may be used")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return Endpoint(parts.scheme == "https", host, port, target)

    def _check_host(self, host: str) -> None:
        address = _address(host)
        if address is not None and "%" not in host:
            if not self._allows(address):
                raise self._private(host)
        elif not _HOST.match(host):
            raise Refused("has no host name of letters, digits, hyphens and dots; write others as xn--...")
        elif _NUMERIC.match(host.rpartition(".")[2]):
            raise Refused("has an address in another form than four decimal numbers")
        elif _LOCAL_NAMES.match(host) and not self._allows_name(host) and not self._allows(ipaddress.ip_address("127.0.0.1")):
            raise self._private(host)

    def addresses(self, endpoint: Endpoint) -> list[str]:
        """The addresses of a host, each of which may be connected to.

        Raises: Refused where one of them may not; OSError where the name cannot be resolved.
        """
        found = socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
        texts = list(dict.fromkeys(str(each[4][0]) for each in found))
        if not self._allows_name(endpoint.host):
            for text in texts:
                address = _address(text)
                if address is None or not self._allows(address):
                    raise self._private(endpoint.host)
        return texts

    def _private(self, host: str) -> Refused:
        return Refused(
            f"{host} is, or stands for, an address that is not public; whoever runs the service can allow it by {self._setting}"
        )

    def _allows_name(self, host: str) -> bool:
        return any(host == name or (name.startswith(".") and host.endswith(name)) for name in self._names)

    def _allows(self, address: Address) -> bool:
        inner = _inner(address)
        return any(each in network for network in self._networks for each in (address, inner)) or _is_public(inner)


def check_allowed(text: str) -> None:
    """Raises ValueError where an entry of `allow` is neither a name nor a network."""
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        if not _HOST.match(text.lower().removeprefix(".")) or _NUMERIC.match(text.rpartition(".")[2]):
            raise ValueError(f"{text!r} is neither a host name nor a network such as 10.1.0.0/16") from None


def _address(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _inner(address: Address) -> Address:
    """The address of IPv4 that one of IPv6 stands for; itself where it stands for none."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and address not in _GLOBAL_6:
        return False
    if address in _CLOUD or any(address in network for network in _SPECIAL):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_link_local)
