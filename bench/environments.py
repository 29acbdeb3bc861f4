"""The environment of each peer: a virtual environment under build/bench, made by uv from a locked file of requirements on
first use.

A stamp holds the digest of the file and the interpreter, so that a second run starts at once and a new lock installs anew.
"""

import fcntl
import hashlib
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from uv import find_uv_bin

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "build" / "bench"


class NotInstalled(Exception):
    """A peer cannot be installed here; the text says why."""


def interpreter(name: str) -> str:
    """The Python of that environment, which is installed where it is missing; "" is the one that runs.

    Raises: NotInstalled.
    """
    if not name:
        return sys.executable
    requirements, place = ROOT / "requirements" / f"bench-{name}.txt", FOLDER / name
    python, stamp = place / "bin" / "python", place / ".installed"
    digest = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != digest:
            print(f"Installing requirements/bench-{name}.txt", file=sys.stderr, flush=True)
            _run("venv", "--clear", "--python", sys.executable, str(place))
            _run("pip", "install", "--python", str(python), "--require-hashes", "-r", str(requirements))
            stamp.write_text(digest)
    return str(python)


def _run(*arguments: str) -> None:
    done = subprocess.run([find_uv_bin(), *arguments, "--quiet"], capture_output=True, text=True)
    if done.returncode:
        raise NotInstalled(done.stderr.strip()[-500:])


def versions(name: str, packages: Sequence[str]) -> dict[str, str]:
    """Of distributions in that environment.

    Raises: NotInstalled.
    """
    code = "import importlib.metadata as m, json, sys; print(json.dumps({p: m.version(p) for p in sys.argv[1:]}))"
    done = subprocess.run([interpreter(name), "-c", code, *packages], capture_output=True, text=True, check=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found
