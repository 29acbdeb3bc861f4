"""Where files of incidents may be fetched from: the URLs of DATA_URLS, and of those none that is private by its address.

The API asks it before it queues a load, `lib.downloads` for every request, also those that a redirect leads to.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from lib.egress import Egress, Endpoint, Refused

_PORTALS = "data.austintexas.gov"


@dataclass(frozen=True)
class _Entry:
    host: str  # `.example.org`: all below it
    port: int | None  # None: the usual one
    tls: bool | None  # None: either
    path: str

    def fits(self, endpoint: Endpoint) -> bool:
        host = endpoint.host == self.host or (self.host.startswith(".") and endpoint.host.endswith(self.host))
        port = endpoint.port == ((443 if endpoint.tls else 80) if self.port is None else self.port)
        path = endpoint.target.partition("?")[0]
        below = path == self.path or path.startswith(self.path if self.path.endswith("/") else f"{self.path}/")
        return host and port and self.tls in (None, endpoint.tls) and below


class Sources:
    """The rules of one release.

    Args:
        urls: DATA_URLS: beginnings of URLs (`https://example.org/exports/`), or hosts, with a port where it is not the usual one.
        allow: DATA_URLS_ALLOW: names and networks, as `Egress` takes them.
    """

    def __init__(self, urls: Iterable[str], allow: Iterable[str]) -> None:
        self._entries = [_entry(each) for each in urls]
        self.egress = Egress(allow, "DATA_URLS_ALLOW")

    def endpoint(self, url: str) -> Endpoint:
        """What a URL asks for. Raises Refused where it may not be fetched; looks no name up."""
        endpoint = self.egress.endpoint(url)
        path = endpoint.target.partition("?")[0]
        if ".." in unquote(path).replace("\\", "/").split("/"):
            raise Refused("must not go up in its path (..)")
        if not any(entry.fits(endpoint) for entry in self._entries):
            raise Refused(
                f"{shown(url)} may not be fetched: DATA_URLS {'does not name it' if self._entries else 'is empty'}; whoever runs"
                f" the service can add {endpoint.host} to it. Or download the file, and send it as the body"
            )
        return endpoint


def shown(url: str) -> str:
    """A URL as others may see it: without login and query, which may hold secrets."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}{'?…' if parts.query else ''}"


def check_source(text: str) -> None:
    """Raise ValueError where an entry of DATA_URLS is none."""
    entry = _entry(text)
    host = entry.host.removeprefix(".")
    url = f"{'http' if entry.tls is False else 'https'}://{f'[{host}]' if ':' in host else host}{entry.path}"
    try:
        Egress(["0.0.0.0/0", "::/0", host]).endpoint(url)
    except (Refused, ValueError) as error:
        raise ValueError(f"{text!r} is no host such as {_PORTALS}, and no URL such as https://{_PORTALS}/api/: {error}") from None


def _entry(text: str) -> _Entry:
    parts = urlsplit(text if "://" in text else f"//{text}")
    if "://" not in text and parts.path:
        raise ValueError(f"{text!r} has a path but no https:// or http:// in front")
    if parts.query or parts.fragment or "@" in parts.netloc or parts.scheme not in ("", "http", "https"):
        raise ValueError(f"{text!r} must be a host, or an https:// or http:// URL without login, query and fragment")
    tls = None if not parts.scheme else parts.scheme == "https"
    return _Entry((parts.hostname or "").rstrip("."), parts.port, tls, parts.path or "/")
