"""The local launcher: `python -m trafficjobs.local up|demo`, called by `make up` and `make demo`.

Starts an embedded Valkey, the API, its upkeep process and a worker from this checkout, keeps them running, and stops
them in order at Ctrl-C. All state is in `run/`; what Redis has acknowledged survives a kill of any of them, and of the
launcher.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - says so before anything below fails to parse or import
    sys.exit("trafficjobs needs Python 3.11 or later; this is " + sys.version.split()[0])

import argparse
import fcntl
import http.client
import json
import os
import shlex
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

import trafficjobs
from trafficjobs.processes import Program, StopRequested, Supervisor
from trafficjobs.redis_server import NoServerError, RedisServer, answers, find_server, free_port, listens
from trafficjobs.terminal import Terminal, shown

ROOT = Path(__file__).resolve().parent.parent
# Seconds until Redis answers and until /readyz says 200, before the start counts as failed.
REDIS_START = 30.0
READY = 60.0
# Seconds in which running jobs may end at Ctrl-C; the worker hands the rest back (WORKER_GRACE in the environment wins).
WORKER_GRACE = "10"


class LaunchError(Exception):
    """Nothing can be started, or what was started does not work; the message is for the person at the terminal."""


def main(arguments: list[str] | None = None) -> int:
    """Run until told to stop; 0 after an orderly stop, 1 when something was in the way."""
    options = _parse(arguments)
    began = time.time()
    terminal = Terminal()
    try:
        _check_checkout()
        with _only_one(options.run_dir, options.port):
            _check_port(options.port)
            _serve(options, terminal, began)
    except (LaunchError, NoServerError) as error:
        sys.stdout.flush()
        print(f"trafficjobs: {error}", file=sys.stderr)
        return 1
    except (StopRequested, KeyboardInterrupt):
        pass
    return 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m trafficjobs.local", description="Run trafficjobs on this machine.")
    parser.add_argument("command", choices=["up", "demo"], help="up: start everything; demo: and show what it does")
    parser.add_argument("--port", type=int, default=int(os.environ.get("PORT") or 5000), help="port of the API (5000)")
    parser.add_argument("--run-dir", type=Path, default=ROOT / "run", help="folder for Redis's data, logs and caches (run)")
    parser.add_argument("--data-dir", type=Path, default=ROOT / "data", help="folder of atx_traffic.csv (data)")
    parser.add_argument("--redis-port", type=int, help="port of Redis (6379 if that is free, else any)")
    options = parser.parse_args(arguments)
    if not 1 <= options.port <= 65535:
        parser.error(f"--port must be 1 to 65535, not {options.port}")
    options.run_dir, options.data_dir = options.run_dir.resolve(), options.data_dir.resolve()
    return options


def _serve(options: argparse.Namespace, terminal: Terminal, began: float) -> None:
    run: Path = options.run_dir
    server = find_server()
    for name in ("redis", "log", "worker", "data", "matplotlib"):
        (run / name).mkdir(parents=True, exist_ok=True)
    for log in (run / "log").glob("*.log"):
        log.replace(log.with_suffix(".log.old"))
    port = options.redis_port or free_port()
    url = f"http://127.0.0.1:{options.port}"
    programs = _programs(options, server, port)

    def report(text: str) -> None:
        try:
            terminal.line(text)
        except OSError:  # nobody reads any more; the programs matter more
            pass

    terminal.line(terminal.bold(f"trafficjobs {trafficjobs.__version__}"))
    with Supervisor(report) as supervisor:
        supervisor.start(programs[0])
        _wait(supervisor, lambda: answers(port), REDIS_START, "Redis does not answer")
        for program in programs[1:]:
            supervisor.start(program)
        about = {"redis": f"{server.name} on 127.0.0.1:{port}", "api": url, "upkeep": "leases, timers, expiry"}
        about["worker"] = f"{programs[-1].env['WORKER_CHILDREN']} children"
        terminal.table([(name, f"pid {process.pid}", about[name]) for name, process in supervisor.processes.items()])
        _wait(supervisor, lambda: _ready(options.port), READY, f"{url}/readyz does not answer 200")
        terminal.line(f"Ready after {time.time() - began:.1f} s at {terminal.bold(url)}")
        terminal.line("Open it in a browser for the dashboard")
        terminal.line(f"Logs in {shown(run / 'log')}; Ctrl-C stops everything")
        if options.command == "demo":
            _demonstrate(supervisor, programs[0].env, ["--url", url, "--data-dir", str(options.data_dir), "--began", str(began)])
        supervisor.run_forever()


def _wait(supervisor: Supervisor, condition: Callable[[], bool], timeout: float, complaint: str) -> None:
    """Wait until `condition` holds; a program that keeps dying ends the wait.

    Raises:
        LaunchError: with the complaint and what the logs say.
    """
    supervisor.run_until(lambda: supervisor.crash_loop() is not None or condition(), timeout)
    looping = supervisor.crash_loop()
    if looping is not None:
        command = shlex.join(looping.program.command)
        raise LaunchError(f"{looping.program.name} ends right after its start: {command}\n{looping.log_tail()}")
    if not condition():
        logs = [f"  {process.program.log}" for process in supervisor.processes.values()]
        raise LaunchError("\n".join([f"{complaint} within {timeout:.0f} s. The logs are", *logs]))


def _demonstrate(supervisor: Supervisor, env: Mapping[str, str], arguments: list[str]) -> None:
    command = [sys.executable, "-m", "trafficjobs.demo", *arguments]
    demo = supervisor.start(Program("demo", command, env, ROOT, once=True))
    supervisor.run_until(lambda: demo.pid is None)
    if demo.exit_code:
        raise LaunchError("the demonstration failed; what it met stands above, and more in the logs")
    del supervisor.processes[demo.program.name]


def _programs(options: argparse.Namespace, server: RedisServer, redis_port: int) -> list[Program]:
    """Redis, API, upkeep and worker, in the order of their start."""
    run: Path = options.run_dir
    # A REDIS_URL or password of the person's own environment would lead elsewhere; HOST is a variable of some shells.
    env = {name: value for name, value in os.environ.items() if not name.startswith("REDIS_")}
    env = {"WORKER_CHILDREN": "2", "WORKER_GRACE": WORKER_GRACE, "DATA_FILE": str(options.data_dir / "atx_traffic.csv"), **env}
    env |= {
        "REDIS_IP": "127.0.0.1",
        "REDIS_PORT": str(redis_port),
        "HOST": "127.0.0.1",
        "PORT": str(options.port),
        "DATA_CACHE": str(run / "data"),
        "WORKER_STATE_DIR": str(run / "worker"),
        "MPLCONFIGDIR": str(run / "matplotlib"),
        "PYTHONUNBUFFERED": "1",
    }
    gunicorn = ["gunicorn", "-c", "services/api/gunicorn.conf.py", "services.api.app:create_app()"]

    def python(name: str, *words: str, grace: float = 5.0) -> Program:
        return Program(name, [sys.executable, "-m", *words], env, ROOT, run / "log" / f"{name}.log", grace)

    return [
        Program("redis", server.command(run / "redis", redis_port), env, run / "redis", run / "log/redis.log", grace=10.0),
        python("api", *gunicorn, grace=10.0),
        python("upkeep", "services.api.upkeep"),
        python("worker", "services.worker", grace=float(env["WORKER_GRACE"]) + 5.0),
    ]


def _check_checkout() -> None:
    if not (ROOT / "services" / "api").is_dir():
        raise LaunchError(f"the launcher runs from a checkout of the project, and {ROOT} has no services/api")


def _check_port(port: int) -> None:
    """Refuse a port that somebody listens on, or that cannot be listened on."""
    remedy = f"Take another one: PORT={port + 1 if port < 65535 else 5001} make demo"
    if listens(port):
        raise LaunchError(f"port {port} is busy: another program listens on it. {remedy}")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise LaunchError(f"port {port} cannot be used ({error.strerror}). {remedy}") from None


def _only_one(run: Path, port: int) -> IO[str]:
    """Hold run/lock, which names this process and its URL; whoever holds it is the only launcher of this folder.

    Raises:
        LaunchError: naming the launcher that is there already.
    """
    run.mkdir(parents=True, exist_ok=True)
    lock = open(run / "lock", "a+")  # noqa: SIM115 - the caller closes it, with everything else
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.seek(0)
        try:
            holder = json.loads(lock.read())
        except ValueError:  # it holds the lock, and has not written yet
            holder = {"pid": "unknown", "url": "unknown"}
        lock.close()
        raise LaunchError(
            f"already running from this folder: process {holder['pid']}, {holder['url']}."
            f" Use that one, or stop it with Ctrl-C in its terminal (or: kill {holder['pid']})"
        ) from None
    lock.truncate(0)
    json.dump({"pid": os.getpid(), "url": f"http://127.0.0.1:{port}"}, lock)
    lock.flush()
    return lock


def _ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
