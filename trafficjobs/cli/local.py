"""`up` and `demo`: the local launcher, where this package lies in a checkout of the project. They stay up until Ctrl-C."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

import trafficjobs
from trafficjobs.cli.session import Session, command
from trafficjobs.errors import Invalid

Port = Annotated[int | None, typer.Option(metavar="PORT", min=1, max=65535, help="Port of the API (5000).")]
Folder = Annotated[Path | None, typer.Option("--run-dir", metavar="FOLDER", help="For Redis's data, logs and caches (run).")]
Data = Annotated[Path | None, typer.Option("--data-dir", metavar="FOLDER", help="Of atx_traffic.csv (data).")]
RedisPort = Annotated[int | None, typer.Option("--redis-port", metavar="PORT", min=1, max=65535, help="Port of Redis.")]


def add_to(app: typer.Typer) -> None:
    """Make them commands of `app`."""
    command(app, local=True)(up)
    command(app, local=True)(demo)


def up(_: Session, port: Port = None, run_dir: Folder = None, data_dir: Data = None, redis_port: RedisPort = None) -> None:
    """Start API, upkeep, worker and an embedded Valkey on this machine."""
    _launch("up", port, run_dir, data_dir, redis_port)


def demo(_: Session, port: Port = None, run_dir: Folder = None, data_dir: Data = None, redis_port: RedisPort = None) -> None:
    """The same, and load a sample and run one job of each operation."""
    _launch("demo", port, run_dir, data_dir, redis_port)


def _launch(word: str, port: int | None, run_dir: Path | None, data_dir: Path | None, redis_port: int | None) -> None:
    root = Path(trafficjobs.__file__).resolve().parent.parent
    if not (root / "services" / "api").is_dir():
        raise Invalid("The service is not in this package: run it from a checkout of the project, or install the Helm chart.")
    options = {"--port": port, "--run-dir": run_dir, "--data-dir": data_dir, "--redis-port": redis_port}
    words = [str(part) for name, value in options.items() if value is not None for part in (name, value)]
    sys.stdout.flush()
    # This process becomes the launcher, so that signals reach it directly; -m finds the package from its folder alone.
    path = os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH")]))
    os.execve(sys.executable, [sys.executable, "-m", "trafficjobs.local", word, *words], os.environ | {"PYTHONPATH": path})
