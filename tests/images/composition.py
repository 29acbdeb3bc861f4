"""Starts what compose.yaml describes, by `run`: the same images, environment, commands, users and locks.

All containers share the network of the first, whose host name is the one by which the others know it. A key of
compose.yaml that is not understood here is an error, so that nothing in it goes untested in silence.
"""

import os
import re
import secrets
from types import TracebackType
from typing import Any, Self

import yaml

from tests.images.engine import ENGINE, ROOT, Container, EngineError, engine
from tests.waiting import until

FIRST, API_PORT = "redis", "5000"
# What concerns building, order and restarts.
_ELSEWHERE = {"build", "depends_on", "healthcheck", "restart", "stop_grace_period", "image", "command", "entrypoint", "ports"}


def compose(variables: dict[str, str] | None = None) -> dict[str, Any]:
    """compose.yaml with `${NAME:-default}` filled in."""
    known = dict(os.environ) if variables is None else variables
    text = re.sub(r"\$\{(\w+):-([^}]*)\}", lambda found: known.get(found[1]) or found[2], (ROOT / "compose.yaml").read_text())
    read: dict[str, Any] = yaml.safe_load(text)
    return read


def _flags(service: dict[str, Any], volumes: str) -> list[str]:
    """A service's keys as flags of `run`."""
    flags = []
    for key, value in service.items():
        if key == "read_only":
            # podman would put further writable folders into it, which docker does not.
            flags += ["--read-only"] + (["--read-only-tmpfs=false"] if "podman" in ENGINE[0] else []) if value else []
        elif key == "cap_drop":
            flags += [f"--cap-drop={each}" for each in value]
        elif key == "security_opt":
            flags += [f"--security-opt={each}" for each in value]
        elif key == "tmpfs":
            flags += [f"--tmpfs={each}" for each in value]
        elif key == "environment":
            flags += [f"--env={name}={setting}" for name, setting in value.items()]
        elif key == "volumes":
            flags += [f"--volume={volumes}-{each}" for each in value]
        elif key in ("user", "hostname"):
            flags.append(f"--{key}={value}")
        else:
            assert key in _ELSEWHERE, f"compose.yaml has {key}, which the test does not know"
    return flags


class Composition:
    """All services, healthy; the context manager removes them."""

    def __init__(self) -> None:
        self.services: dict[str, dict[str, Any]] = compose()["services"]
        self.containers: dict[str, Container] = {}
        self._name = f"trafficjobs-test-{secrets.token_hex(4)}"

    def __enter__(self) -> Self:
        try:
            for name in sorted(self.services, key=lambda each: each != FIRST):
                self.start(name)
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        return self

    def start(self, name: str) -> None:
        """Start a service and wait until its check of health passes, if it has one."""
        service = self.services[name]
        first = self.containers.get(FIRST)
        network = [f"--publish=127.0.0.1::{API_PORT}"] if first is None else [f"--network=container:{first.id}"]
        entry = service.get("entrypoint", [])
        command = [*entry[1:], *service.get("command", [])]
        flags = [*_flags(service, self._name), *network, *(f"--entrypoint={word}" for word in entry[:1])]
        self.containers[name] = Container(*flags, service["image"], *command)
        if "healthcheck" in service:
            until(lambda: self.healthy(name), 60, f"the health of {name}")

    def healthy(self, name: str) -> bool:
        """Whether the check of health passes now."""
        how, *command = self.services[name]["healthcheck"]["test"]
        assert how == "CMD"
        try:
            self.containers[name].exec(*command)
        except EngineError:
            return False
        return True

    @property
    def url(self) -> str:
        """Where the API is."""
        return f"http://{engine('port', self.containers[FIRST].id, API_PORT).splitlines()[0]}"

    def grace(self, name: str) -> float:
        """Seconds that a service has to end."""
        return float(str(self.services[name]["stop_grace_period"]).removesuffix("s"))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for name in reversed(self.containers):
            if error is not None:
                print(f"--- {name}\n{self.containers[name].logs()}")
            self.containers[name].remove()
        for volume in engine("volume", "ls", "--quiet", "--filter", f"name={self._name}").split():
            engine("volume", "rm", volume)
