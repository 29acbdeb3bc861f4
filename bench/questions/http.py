"""Submits over HTTP: our API against Flask + RQ, both under gunicorn with two processes of eight threads, over loopback on
two cores.

The load is one process (bench/http/load.py) on the same cores; what it can do against a server that does nothing stands in a
table of its own. Of ours also the latency through HTTP: from before the POST to the job's first line, one at a time.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import redis

from bench.contestant import PORT
from bench.entrants import Entrant
from bench.environments import ROOT, interpreter
from bench.http.running import load
from bench.ours import OPERATIONS, QUEUE_LIMIT, our_settings
from bench.question import Answer, Question, Rows, Table, Verdict, against, at_most, fastest_peer
from bench.server import fresh_server
from lib.settings import Settings
from lib.states import TERMINAL
from tests.servers import Server, free_port
from tests.service import end, ready, serving, upkeep
from tests.waiting import until
from tests.workers import Worker

_RATIO, _LATENCY = 2.0, 5.0  # targets: times, milliseconds
_PROCESSES, _THREADS, _CONNECTIONS = 2, 8, 32
_RATE = Table(f"submits over HTTP, {_PROCESSES} processes of {_THREADS} threads, {_CONNECTIONS} connections", "requests/s")
_WAIT = Table("latency from POST to start, one idle worker process", "ms", more_is_better=False)
_LOAD = Table("what the load can do against a server that does nothing", "requests/s")


class Http(Question):
    """Ours and RQ's."""

    name = "http"
    tables = (_RATE, _WAIT, _LOAD)

    def ask(self, entrant: Entrant, jobs: int) -> Answer:
        seconds = max(0.3, min(3.0, jobs / 1_000))
        if entrant.name == "rq":
            return {_RATE: {"Flask + RQ": [_flask_rq(entrant, seconds)]}}
        if entrant.peer:
            return {}
        with fresh_server() as server:
            folder = server.folder.parent
            more = {"operations_dir": OPERATIONS, "log_level": "warning", "queue_limit": QUEUE_LIMIT}
            settings = our_settings(server.port, data_cache=folder / "cache", worker_state_dir=folder / "worker")
            with (
                _upkeep(settings, server, folder),
                serving(settings, folder, api_workers=_PROCESSES, api_threads=_THREADS, **more) as api,
            ):
                rate = _rate(api.url, seconds, lambda: _count(server, "zcard", "jobs"))
                with redis.Redis(port=server.port) as client:
                    client.flushall()
                with Worker(settings, log=folder / "worker.log", **more), httpx.Client(base_url=api.url) as http:
                    _started(http, 0)
                    latencies = [_started(http, number) for number in range(max(10, min(50, jobs // 40)))]
        return {_RATE: {entrant.name: [rate]}, _WAIT: {entrant.name: latencies}, _LOAD: {"an empty answer": [_ceiling(seconds)]}}

    def judge(self, rows: Mapping[Table, Rows]) -> list[Verdict]:
        through = [
            at_most(f"latency through HTTP: at most {_LATENCY:g} ms", row.median, _LATENCY, "ms") for row in rows[_WAIT].values()
        ]
        return [*against(rows[_RATE], fastest_peer(_RATE, rows[_RATE]), _RATIO, "submits over HTTP"), *through]


@contextmanager
def _upkeep(settings: Settings, server: Server, folder: Path) -> Iterator[None]:
    """As beside every API: it loads the scripts as functions."""
    process = upkeep(settings, folder / "upkeep.log")
    try:
        with redis.Redis(port=server.port) as client:
            until(lambda: client.function_list(), 60, "upkeep")
        yield
    finally:
        end(process)


def _flask_rq(entrant: Entrant, seconds: float) -> float:
    python, port = interpreter(entrant.environment), free_port()
    options = ["--bind", f"127.0.0.1:{port}", "--workers", str(_PROCESSES), "--threads", str(_THREADS), "--preload"]
    command = [python, "-m", "gunicorn", *options, "--keep-alive", "30", "--no-control-socket", "bench.http.flask_rq:app"]
    with fresh_server() as server, (server.folder.parent / "api.log").open("wb") as log:
        env = os.environ | {"PYTHONPATH": str(ROOT), PORT: str(server.port)}
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log)
        url = f"http://127.0.0.1:{port}"
        try:
            until(lambda: ready(url), 60, "Flask + RQ")
            return _rate(url, seconds, lambda: _count(server, "llen", "rq:queue:default"))
        finally:
            end(process)


def _rate(url: str, seconds: float, count: Callable[[], int]) -> float:
    """Answers a second, once everything is warm.

    Raises: RuntimeError where an answer was not 2xx, or there are not as many jobs as answers.
    """
    warm = load(url, _CONNECTIONS, seconds / 3)
    found = load(url, _CONNECTIONS, seconds)
    if count() != warm["answers"] + found["answers"]:
        raise RuntimeError(f"{count()} jobs of {warm['answers'] + found['answers']} answers")
    return found["answers"] / found["seconds"]


def _ceiling(seconds: float) -> float:
    command = [sys.executable, "-m", "bench.http.load", "--serve"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            found = load(f"http://127.0.0.1:{int(process.stdout.readline())}", _CONNECTIONS, seconds)
        finally:
            process.kill()
    return found["answers"] / found["seconds"]


def _count(server: Server, command: str, key: str) -> int:
    with redis.Redis(port=server.port) as client:
        return int(getattr(client, command)(key))


def _started(http: httpx.Client, number: int) -> float:
    """Submit a job to a worker that has been idle for a moment; milliseconds until its first line."""
    time.sleep(0.01)
    began = time.monotonic()
    submitted = http.post("/jobs", json={"operation": "noop", "params": {"number": number}}).raise_for_status().json()
    until(lambda: http.get(f"/jobs/{submitted['id']}").json()["status"] in TERMINAL, 60, "the job")
    result = http.get(f"/jobs/{submitted['id']}").json()["result"]
    assert result[0] == number
    return 1_000 * (float(result[1]) - began)
