"""Redis as its pod starts it: the chart's own script, configuration and rules, in a folder instead of at the pod's paths.

Only the absolute paths are changed. The server is the one that all tests run on.
"""

import os
import subprocess
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from lib.settings import Settings, load_settings
from tests.chart.rendering import FULL, Chart
from tests.servers import embedded_binary, free_port, wait_for_answer

USERS = ("api", "worker", "debug", "keda", "producer", "exporter", "probe")
PREFIX = "blue:"


def write_config(chart: Chart, folder: Path, port: int, **values: Any) -> Path:
    """The files of the ConfigMap, with the pod's paths moved into the folder; the folder with the scripts."""
    release = chart.render({"redis": {"service": {"port": port}}, "config": {"keyPrefix": PREFIX}} | values)
    moved = {"/run/secrets/redis": "passwords", "/run/redis": "run", "/etc/redis": "etc", "dir /data": "data"}
    for name in moved.values():
        (folder / name).mkdir(exist_ok=True)
    for name, text in release.get("ConfigMap", f"{FULL}-redis")["data"].items():
        for path, there in moved.items():
            text = text.replace(path, f"dir {folder / there}" if path.startswith("dir ") else str(folder / there))
        (folder / "etc" / name).write_text(text)
    return folder / "etc"


class GuardedRedis:
    """A running server with the users of the chart.

    Args:
        folder: for everything the pod would have.
    """

    def __init__(self, chart: Chart, folder: Path) -> None:
        self.port = free_port()
        self.folder = folder
        self._scripts = write_config(chart, folder, self.port)
        for user in USERS:
            # as kubectl writes a Secret from a file that an editor ended with a newline
            (folder / "passwords" / f"{user}-password").write_text(self.password(user) + "\n")
        programs = folder / "bin"
        programs.mkdir()
        (programs / "valkey-server").symlink_to(os.environ.get("TRAFFICJOBS_SERVER") or embedded_binary())
        self._environment = os.environ | {"PATH": f"{programs}:{os.environ['PATH']}"}
        self._process: subprocess.Popen[bytes] | None = None

    @staticmethod
    def password(user: str) -> str:
        """What the Secret says."""
        return f"the password of {user}"

    def client(self, user: str, db: int = 0, **options: Any) -> redis.Redis:
        """A client that logs in as KEDA's library does: HELLO, with name and password."""
        login: dict[str, Any] = {"username": user, "password": self.password(user), "protocol": 3, "db": db}
        return redis.Redis(port=self.port, retry=Retry(NoBackoff(), 0), **login | options)

    def settings(self, user: str, **more: Any) -> Settings:
        """The settings of a program that logs in as this user."""
        login = {"redis_username": user, "redis_password": self.password(user), "key_prefix": PREFIX}
        return load_settings(redis_ip="127.0.0.1", redis_port=self.port, **login | more)

    def start(self) -> subprocess.Popen[bytes]:
        """Run the script, which becomes the server."""
        with (self.folder / "log").open("wb") as log:
            command = ["sh", str(self._scripts / "start-redis.sh")]
            self._process = subprocess.Popen(command, env=self._environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        return self._process

    def wait(self) -> None:
        """Until it answers."""
        assert self._process is not None
        with self.client("probe") as client:
            wait_for_answer(self._process, client, self.folder / "log")

    def restart(self) -> None:
        """End it as its pod does, and start it again on the same data."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait(20)
        self.start()
        self.wait()

    def __enter__(self) -> "GuardedRedis":
        self.start()
        self.wait()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()
