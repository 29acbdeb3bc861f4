"""Which service to talk to: the address and token from arguments, the environment, or a profile in a file.

The file is JSON of mode 600, in the platform's folder for configuration or where TRAFFICJOBS_CONFIG says. It is replaced
as a whole, under a lock, so that two programs may change it at once. A token is never read from a file that others can
read, and a profile's token goes to that profile's address only.
"""

import json
import os
import stat
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trafficjobs.errors import Invalid
from trafficjobs.private_files import changed_alone, replace

DEFAULT_URL = "http://127.0.0.1:5000"


@dataclass(frozen=True)
class Target:
    """Where a client goes. `source` says who decided it, for messages."""

    url: str
    token: str | None
    source: str


@dataclass
class Profiles:
    """What the file says: each profile's `url` and `token`, and the name of the one in use."""

    current: str | None = None
    known: dict[str, dict[str, str | None]] = field(default_factory=dict)


def config_file(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the profiles are."""
    if given := environ.get("TRAFFICJOBS_CONFIG"):
        return Path(given)
    try:
        home = Path(environ.get("HOME") or "~").expanduser()
    except RuntimeError:
        raise Invalid("This user has no home directory; set HOME, or TRAFFICJOBS_CONFIG to the file of profiles.") from None
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "trafficjobs" / "profiles.json"
    folder = environ.get("APPDATA") if sys.platform == "win32" else environ.get("XDG_CONFIG_HOME")
    return (Path(folder) if folder else home / ".config") / "trafficjobs" / "profiles.json"


def read(path: Path) -> Profiles:
    """The profiles; none where there is no file.

    Raises:
        Invalid: it is not what `write` makes, or holds a token that others can read.
    """
    try:
        text, mode = path.read_text(encoding="utf-8"), path.stat().st_mode
    except FileNotFoundError:
        return Profiles()
    except (OSError, UnicodeDecodeError, RuntimeError) as error:
        raise Invalid(f"{path} cannot be read: {error}.") from None
    try:
        found = json.loads(text)
        known = {name: {"url": str(one["url"]), "token": one.get("token")} for name, one in found["profiles"].items()}
        profiles = Profiles(found.get("current"), known)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Invalid(f"{path} holds no profiles as `trafficjobs profile set` writes them; repair or remove it.") from None
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077 and any(one["token"] for one in known.values()):
        raise Invalid(f"{path} holds a token and others can read it; make it yours alone: chmod 600 {path}")
    return profiles


def change(path: Path, action: Callable[[Profiles], Any]) -> Profiles:
    """Change the profiles under a lock. Raises as `read`, and what `action` raises."""
    with changed_alone(path):
        profiles = read(path)
        action(profiles)
        replace(path, json.dumps({"current": profiles.current, "profiles": profiles.known}, indent=2) + "\n")
    return profiles


def resolve(
    url: str | None = None, token: str | None = None, profile: str | None = None, environ: Mapping[str, str] = os.environ
) -> Target:
    """The service to talk to: arguments win over a profile that is named, that over the environment, that over the profile
    in use. Raises Invalid.
    """
    given_url, given_token = environ.get("TRAFFICJOBS_URL"), environ.get("TRAFFICJOBS_TOKEN")
    if profile is None and (url or given_url):
        chosen, source = (url, "the address given") if url else (given_url, "TRAFFICJOBS_URL")
        return Target(str(chosen), token or given_token or None, source)
    profiles = read(config_file(environ))
    name = profile or profiles.current
    if name is None:
        return Target(DEFAULT_URL, token or given_token or None, "the default")
    if name not in profiles.known:
        raise Invalid(f"There is no profile {name!r}; `trafficjobs profile list` shows those there are.")
    one = profiles.known[name]
    if url and url.rstrip("/") != str(one["url"]).rstrip("/"):
        return Target(url, token, "the address given")
    own = one["token"] if profile else given_token or one["token"]
    return Target(str(one["url"]), token or own or None, f"profile {name}")
