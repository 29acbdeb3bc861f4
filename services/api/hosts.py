"""By which names the API lets itself be addressed.

A page of another site can have its own name point to this machine and then counts, for the browser, as one of ours (DNS
rebinding). Where nobody has to sign in that is all it needs. Its name stands in the Host header, by which it is told apart.
"""

import ipaddress

from flask import Flask, request
from werkzeug.sansio.utils import host_is_trusted

from lib.settings import Settings
from services.api.kinds import FOREIGN_HOST
from services.api.problems import Problem

_LOCAL = ["localhost", ".localhost"]


def install(app: Flask, settings: Settings) -> None:
    """Refuse requests under names that TRUSTED_HOSTS does not have; without it, under any, where by default nobody signs in.

    Addresses and localhost are always ours: no name service can lead them elsewhere.
    """
    if not settings.trusted_hosts and (settings.auth != "auto" or settings.tokens_file is not None):
        return
    trusted = [*_LOCAL, *settings.trusted_hosts]

    def check() -> None:
        host = request.headers.get("Host", "")
        if host and not _is_address(host) and not host_is_trusted(host.lower(), trusted):
            raise Problem(
                FOREIGN_HOST, "The Host header names none of this service's names: localhost, addresses, and TRUSTED_HOSTS."
            )

    app.before_request(check)


def _is_address(host: str) -> bool:
    name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
    try:
        ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True
