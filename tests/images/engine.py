"""The one way a test meets docker or podman: a command, its output, and containers that are gone at the end.

ENGINE names the program, with arguments of its own if need be; REGISTRY and TAG say which images are meant. `make
test-images` sets all three.
"""

import json
import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

from trafficjobs import __version__

ROOT = Path(__file__).parents[2]
ENGINE = shlex.split(os.environ.get("ENGINE") or "podman")
IMAGES = {
    name: f"{os.environ.get('REGISTRY') or 'ghcr.io/trafficjobs'}/{name}:{os.environ.get('TAG') or __version__}"
    for name in ("api", "worker")
}


class EngineError(Exception):
    """The command failed; the text is what it said."""


def engine(*arguments: str, seconds: float = 120) -> str:
    """Run a command of docker or podman; what it printed on stdout. Raises EngineError."""
    ended = subprocess.run([*ENGINE, *arguments], capture_output=True, text=True, timeout=seconds)
    if ended.returncode:
        raise EngineError(f"{shlex.join(arguments)} ended with {ended.returncode}: {ended.stdout}{ended.stderr}")
    return ended.stdout.strip()


def inspect(kind: str, name: str) -> dict[str, Any]:
    """What the engine knows of an image or a container."""
    found: dict[str, Any] = json.loads(engine(kind, "inspect", name))[0]
    return found


def base_of(name: str) -> str:
    """The image that a Dockerfile begins from by default."""
    text = (ROOT / "services" / name / "Dockerfile").read_text()
    found = re.search(r"^ARG PYTHON_IMAGE=(\S+)$", text, re.MULTILINE)
    assert found is not None
    return found[1]


class Container:
    """A running container.

    Args:
        arguments: of `run`: flags, the image, and its command.
    """

    def __init__(self, *arguments: str) -> None:
        self.id = engine("run", "--detach", *arguments)

    def exec(self, *command: str) -> str:
        """What a command in it prints. Raises EngineError where it fails."""
        return engine("exec", self.id, *command)

    def python(self, program: str) -> str:
        """What a Python program in it prints."""
        return self.exec("python", "-c", program)

    def logs(self) -> str:
        """All that it wrote so far."""
        ended = subprocess.run(
            [*ENGINE, "logs", self.id], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60
        )
        return ended.stdout

    def stop(self, grace: float) -> int:
        """SIGTERM, after `grace` seconds SIGKILL; the exit code."""
        engine("stop", "--time", f"{grace:.0f}", self.id, seconds=grace + 60)
        return int(inspect("container", self.id)["State"]["ExitCode"])

    def remove(self) -> None:
        """Kill what is left of it, with its anonymous volumes."""
        engine("rm", "--force", "--volumes", self.id)
