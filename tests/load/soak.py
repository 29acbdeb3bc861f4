"""A soak: a whole release on loopback under mixed load for some minutes, and what of it grows.

gunicorn with two processes, upkeep, a worker of two children, and a server with AOF. Jobs are kept for seconds, so that expiry
has to keep up, and what is capped is filled up to its cap before: a week of use in minutes. Used by `make soak` and by
test_soak.py.
"""

import contextlib
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import redis
import requests

from lib.connections import connect
from lib.scripts import EVENTS_KEPT
from lib.settings import Settings, load_settings
from lib.states import TERMINAL
from tests.chaos.history import History
from tests.load.growth import Growth, growths
from tests.load.mixture import PAGES, Mixture
from tests.load.sampling import Sample, of_processes, of_redis, size_of_aof
from tests.meanwhile import Meanwhile
from tests.receivers import SECRET, receiver
from tests.servers import Server
from tests.service import Service, whole_service
from tests.waiting import until
from tools.make_sample import make_sample, write

KEPT = 8  # seconds for which a job is kept once it has ended
_REWRITTEN_FROM = 8  # MiB of the AOF from which on it is rewritten when it has doubled; 64 by default
_ENOUGH = 200  # jobs, however slow the machine
_GONE_KEPT = 10_000  # as in expire.lua
_FILES_OF_AOF = 3.0  # times the larger of that and of its base: doubled, and what comes while it is rewritten
_STAYS = re.compile(
    r"jobs|jobs\.\w+|metrics\S*|history\.\w+|rates\.\d+|events|failures\S*|schedules\S*|noted\.\S+"
    r"|closed|dead|idle|job-queue\.idle|bell\.\S+|control\.\S+"
)
OPERATIONS = Path(__file__).parent / "operations"
Told = Callable[[], set[str]]  # ids of jobs of whose ends a webhook has told


@dataclass
class Report:
    """What came of it. `problems` are broken promises."""

    seconds: float
    samples: list[Sample]
    growths: list[Growth]
    done: Counter[str]
    ends: Counter[str]
    rate: float
    aof: float
    problems: list[str] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """The table, as text."""
        jobs = sum(self.ends.values())
        yield f"{jobs:,} jobs in {self.seconds:.0f} s: " + ", ".join(f"{count:,} {end}" for end, count in self.ends.most_common())
        yield "also " + ", ".join(f"{count:,} {what}" for what, count in sorted(self.done.items()))
        yield f"\n{'':28}{'at first':>10}{'at last':>10}{'growth in 10,000 jobs':>24}"
        for each in self.growths:
            mark = "  TOO MUCH" if each.too_much else ""
            yield f"{each.name:28}{each.first:>10.1f}{each.last:>10.1f}{each.slope:>+16.2f} {each.unit}{mark}"
        yield f"{'redis, largest AOF':28}{'':>10}{self.aof:>10.1f} MiB"
        yield from (f"PROBLEM: {problem}" for problem in self.problems)


def run(folder: Path, seconds: float, warm: float, rate: float) -> Report:
    """Soak for so long; what happens in the first `warm` seconds is not looked at.

    Args:
        rate: jobs a second.
    """
    with Server(folder / "redis", **{"auto-aof-rewrite-min-size": f"{_REWRITTEN_FROM}mb"}) as server, receiver() as there:
        settings = load_settings(
            redis_ip="127.0.0.1",
            redis_port=server.port,
            key_prefix="soak:",
            data_cache=folder / "cache",
            worker_state_dir=folder / "worker",
            data_file=folder / "absent.csv",
            log_level="warning",
        )
        more = {
            "api_workers": 2,
            "worker_children": 2,
            "operations_dir": OPERATIONS,
            "result_ttl": KEPT,
            "failed_ttl": KEPT,
            "verify_interval": 5,
            "webhook_secret": SECRET,
            "webhook_allow": "127.0.0.1",
        }
        with whole_service(settings, folder, **more) as service:
            _load(service, folder)
            _fill(settings)
            return _soak(service, there.url, lambda: {each.json["data"]["id"] for each in there.received}, seconds, warm, rate)


def _load(service: Service, folder: Path) -> None:
    sample = folder / "sample.csv"
    write(make_sample(2_000, 1), sample)
    jid = requests.post(f"{service.url}/data", data=sample.read_bytes(), timeout=30).json()["id"]
    until(lambda: requests.get(f"{service.url}/jobs/{jid}", timeout=30).json()["status"] == "complete", 60, "the data")
    for page in 5 * PAGES:  # both processes have made each of them, about
        requests.get(service.url + page, headers={"Accept": "text/html"}, timeout=30).raise_for_status()


def _fill(settings: Settings) -> None:
    """Fill what has a cap as an hour of jobs would: the stream of events, and the ids of those that have expired."""
    with connect(settings, settings.redis_db) as client:
        now = client.time()[0] * 1_000_000
        for start in range(0, max(EVENTS_KEPT, _GONE_KEPT), 5_000):
            pipeline = client.pipeline(transaction=False)
            for number in range(start, start + 5_000):
                fields = {"id": f"{number:032x}", "status": "submitted", "attempt": 0, "token": f"{number:032x}", "reason": ""}
                if number < EVENTS_KEPT:
                    pipeline.xadd(f"{settings.key_prefix}events", fields, maxlen=EVENTS_KEPT)  # type: ignore[arg-type]
                if number < _GONE_KEPT:
                    pipeline.zadd(f"{settings.key_prefix}jobs.gone", {f"{number:032x}": now})
            pipeline.execute()


class _Sampler(Meanwhile):
    """Takes a sample every second, from when it is entered until it is left."""

    def __init__(self, settings: Settings, history: History) -> None:
        self.samples: list[Sample] = []
        self.largest_aof, self.problems = 0.0, set[str]()
        self._settings, self._history = settings, history
        super().__init__(self._run)

    def _run(self) -> None:
        began, own = time.monotonic(), psutil.Process()
        with connect(self._settings, self._settings.redis_db) as client:
            while not self.ending.wait(1.0):
                at, jobs = time.monotonic() - began, len(self._history.ended)
                self.samples.append(Sample(at, jobs, of_processes(own) | of_redis(client)))
                self._look_at_aof(client)

    def _look_at_aof(self, client: "redis.Redis") -> None:
        size, base = size_of_aof(client)
        self.largest_aof = max(self.largest_aof, size)
        if size > _FILES_OF_AOF * max(base, _REWRITTEN_FROM):
            self.problems.add("the append-only file has outgrown its bound: it is not rewritten")


def _soak(service: Service, webhook: str, told: Told, seconds: float, warm: float, rate: float) -> Report:
    before, history = _keys(service.settings), History(service.settings)
    mixture = Mixture(service.url, webhook, rate, history.ended)
    with _Sampler(service.settings, history) as sampler, mixture:
        time.sleep(seconds)
    mixture.cancel_the_rest()
    problems = [*mixture.problems[:20], *sampler.problems]
    problems += _after(service, mixture, history, told, before)
    history.end()
    looked_at = [sample for sample in sampler.samples if sample.at >= warm]
    found = list(growths(looked_at))
    problems += [f"{each.name} grows by {each.slope:.2f} {each.unit} in 10,000 jobs" for each in found if each.too_much]
    ends = Counter(event.status for event in history.events if event.status in TERMINAL and event.job in mixture.accepted)
    report = Report(seconds, sampler.samples, found, mixture.done, ends, rate, sampler.largest_aof, problems)
    if not looked_at or looked_at[-1].jobs - looked_at[0].jobs < _ENOUGH:
        report.problems.append(f"fewer than {_ENOUGH} jobs have ended, of which nothing can be told")
    return report


def _after(service: Service, mixture: Mixture, history: History, told: Told, before: set[str]) -> Iterator[str]:
    """What is wrong once the load has gone: jobs that do not end as they should, webhooks that do not come, keys that stay."""
    try:
        until(lambda: mixture.accepted.keys() <= history.ended, 60, "the end of every job")
        until(lambda: mixture.told <= told(), 30, "every webhook")
        until(lambda: not _left(service.settings, before), KEPT + 30, "the expiry of everything")
    except AssertionError as error:
        left = _left(service.settings, before)
        yield f"{error}; {len(left)} keys are left, such as {left[:9]}"
    ends: dict[str, list[str]] = {}
    for event in history.events:
        if event.status in TERMINAL:
            ends.setdefault(event.job, []).append(event.status)
    for jid, wanted in mixture.accepted.items():
        found = ends.get(jid, [])
        if found != [wanted] and not (wanted == "cancelled" and found == ["complete"]):
            yield f"{jid} was to be {wanted} and ended as {found}"


def _keys(settings: Settings) -> set[str]:
    """All keys of the release."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connect(settings, number)) for number in {settings.redis_db, settings.queue_db}]
        return {key.decode().replace(settings.key_prefix, "", 1) for client in clients for key in client.scan_iter(count=5_000)}


def _left(settings: Settings, before: set[str]) -> list[str]:
    """Keys that were not there before, but for those of which there is one, or one a minute."""
    return sorted(key for key in _keys(settings) - before if not _STAYS.fullmatch(key))
