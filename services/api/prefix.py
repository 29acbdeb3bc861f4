"""A path before all addresses, where the service is one of several behind a proxy: `PATH_PREFIX=/incidents`.

It stands before every address that an answer gives. Proxies that take it away and those that leave it there are both served;
probes need not know of it.
"""

from collections.abc import Callable, Iterable
from typing import Any

from lib.settings import SettingsError

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


def check_prefix(prefix: str, addresses: Iterable[str]) -> None:
    """Raises SettingsError where the prefix begins as an address of ours: with it, nobody could tell which one is meant."""
    first = prefix.split("/")[1]
    if any(address.split("/")[1] == first for address in addresses):
        raise SettingsError(f"PATH_PREFIX: /{first} is an address of the API itself; choose another one, such as /incidents")


class Prefixed:
    """A WSGI application at a path.

    Args:
        application: what answers.
        prefix: begins with a slash and ends without one; nothing for none.
    """

    def __init__(self, application: Application, prefix: str) -> None:
        self._application, self._prefix = application, prefix

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == self._prefix or path.startswith(f"{self._prefix}/"):
            environ["PATH_INFO"] = path[len(self._prefix) :]
        environ["SCRIPT_NAME"] = self._prefix
        return self._application(environ, start_response)
