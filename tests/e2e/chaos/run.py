"""One whole run on a release: loads it, strikes what the plan says, waits until all is calm, and has it judged.

What jobs write outside Redis is on a volume that the workers' pods share: on the node of the volume, where it is on one.
"""

import itertools
import json
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lib.jobs import Jobs
from lib.settings import Settings, load_settings
from lib.states import TERMINAL
from tests.chaos import checker
from tests.chaos.evidence import Evidence, Fault, Violation
from tests.chaos.history import History, Remains
from tests.chaos.ledger import OPERATIONS, Ledger
from tests.chaos.load import QUEUES
from tests.chaos.requests import ACKNOWLEDGED, UNKNOWN, Request
from tests.e2e.chaos.answers import Answer
from tests.e2e.chaos.nemesis import Nemesis, causes, unexplained_restarts
from tests.e2e.chaos.plan import plan
from tests.e2e.chaos.probe import Probe
from tests.e2e.chaos.submitting import SCHEDULES, Submitters
from tests.e2e.helm import CHART
from tests.e2e.load import Load
from tests.e2e.portforward import PortForward
from tests.e2e.release import FULL, Release
from tests.e2e.values import LEASE, Values, overlaid
from tests.e2e.waits import until

GRACE = 25  # seconds of a worker's pod; jobs have 10 less
_LOAD_OPERATION, _LOAD_LONGEST = "ledger_sleep", 4.0
_MOST = 40  # jobs a second, which nobody submits
_CLAIM, _MOUNT = "ledger", "/ledger"
_CALM = 60 + 10 * LEASE  # seconds until everything has ended
_ZERO = 300  # seconds until no worker is left

_FILE = "ledger_operations.py"
WITH: Values = {
    "operations": {"files": {_FILE: (OPERATIONS / _FILE).read_text()}},
    "api": {"replicas": 2},
    "worker": {
        "concurrency": 2,
        "terminationGracePeriodSeconds": GRACE,
        "keda": {"maxReplicas": 4, "behavior": {"scaleDown": {"stabilizationWindowSeconds": 10}}},
        "extraEnv": [{"name": "TRAFFICJOBS_LEDGER", "value": f"{_MOUNT}/runs"}],
        "extraVolumes": [{"name": _CLAIM, "persistentVolumeClaim": {"claimName": _CLAIM}}],
        "extraVolumeMounts": [{"name": _CLAIM, "mountPath": _MOUNT}],
    },
    "workers": {"default": {"queues": list(QUEUES)}},
    "redis": {"persistence": {"enabled": True}},
    "extraObjects": [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": _CLAIM},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
        }
    ],
}


@dataclass
class Report:
    """What came of a run."""

    seed: int
    began: float
    calm: float  # when the load was over, and everything had ended
    seconds_to_zero: float
    violations: list[Violation]
    evidence: Evidence
    faults: list[Fault]
    left_out: list[str]
    restarts: list[str]
    answers: list[Answer]
    lateness: list[float]  # of each time of a schedule: seconds until its job was there
    dependent: int
    numbers: dict[str, int]
    pods: list[int]  # workers that were alive at once, whenever that changed

    def __str__(self) -> str:
        lines = [f"{len(self.violations)} violations:", *map(str, self.violations[:20])]
        return "\n".join([*lines, "struck:", *map(str, self.faults), "left out:", *self.left_out])


class Experiment:
    """A run of so many seconds.

    Args:
        release: one that was installed with WITH.
    """

    def __init__(self, release: Release, seed: int, seconds: float) -> None:
        self.release, self.seed, self.seconds = release, seed, seconds
        self.plan = plan(seed, seconds)
        self.folder: Path = release.folder
        self.nemesis = Nemesis(release)
        self.problems: list[str] = []

    def run(self) -> Report:
        """Do it all; the report."""
        (self.folder / "plan").write_text("".join(f"{planned}\n" for planned in self.plan))
        with ExitStack() as stack:
            forward = PortForward(self.release.namespace, f"svc/{FULL}-redis", 6379, self.folder / "redis-forward.log")
            settings = _settings(self.release, stack.enter_context(forward).port)
            probe = Probe(self.release, _CLAIM, _MOUNT)
            history = History(settings)
            stack.callback(history.end)
            submitters = Submitters(self.release, history, self.seed, int(_MOST * self.seconds) + 1)
            submitters.start()
            load = Load(self.release, _LOAD_OPERATION, _LOAD_LONGEST)
            until(lambda: history.ended, bool, 180, "the first ended job")
            began = time.time()
            self._torment(began)
            submitters.stop()
            acknowledged = submitters.acknowledged | {str(each["id"]): _LOAD_OPERATION for each in load.stop()}
            self.release.accepted.ids.update(acknowledged)
            self._calm_down(history, set(acknowledged))
            calm = time.time()
            self._leave(settings)
            to_zero = time.time() - calm
            (self.folder / "ledger").write_text(probe.read(f"{_MOUNT}/runs"))
            answers = [answer for answer in probe.answers() if began <= answer.began <= calm]
            remains = history.stop()
        fired = {jid: record for jid, record in remains.records.items() if "schedule" in record}
        evidence = self._evidence(remains, acknowledged, fired)
        report = Report(
            seed=self.seed,
            began=began,
            calm=calm,
            seconds_to_zero=to_zero,
            violations=self._violations(evidence, fired, submitters),
            evidence=evidence,
            faults=self.nemesis.faults,
            left_out=self.nemesis.left_out,
            restarts=unexplained_restarts(self.release, self.nemesis.faults),
            answers=answers,
            lateness=[float(record["submitted"]) - float(record["scheduled_for"]) for record in fired.values()],
            dependent=submitters.dependent,
            numbers=_numbers(remains),
            pods=[number for _, number in self.release.pods.counts("worker", began)],
        )
        self._keep(report)
        return report

    def _torment(self, began: float) -> None:
        """Strike one after the other; the time that strikes take does not count as a pause."""
        before = 0.0
        for planned in self.plan:
            time.sleep(planned.at - before)
            before = planned.at
            if time.time() - began > self.seconds:
                break
            self.nemesis.strike(planned)
        time.sleep(max(0.0, began + self.seconds - time.time()))

    def _calm_down(self, history: History, acknowledged: set[str]) -> None:
        wanted = acknowledged | history.seen
        self._await(lambda: len(wanted | history.seen) - len(history.ended), _CALM, "the end of every job")

    def _leave(self, settings: Settings) -> None:
        """Wait until no pod of a worker is left, and children that were killed are forgotten."""
        try:
            self.release.wait_for_zero(_ZERO)
        except AssertionError as error:
            self.problems.append(str(error))
        jobs = Jobs(settings)
        self._await(lambda: sum(jobs.queue(queue).idle_children for queue in QUEUES), 120, "the last idle child forgotten")
        jobs.close()

    def _await(self, left: Any, seconds: float, what: str) -> None:
        """Until nothing is left; a problem where that does not come."""
        try:
            until(left, lambda number: number == 0, seconds, what)
        except AssertionError as error:
            self.problems.append(str(error))

    def _evidence(self, remains: Remains, acknowledged: dict[str, str], fired: dict[str, dict[str, str]]) -> Evidence:
        """All that the checker is shown. Nobody waited for the answer to a job that a schedule has submitted."""
        requests = [Request((jid,), "", ACKNOWLEDGED) for jid in acknowledged]
        requests += [Request((jid,), "", UNKNOWN) for jid in fired]
        operations = {jid: SCHEDULES[record["schedule"]][1] for jid, record in fired.items()} | acknowledged
        runs = Ledger(self.folder / "ledger").runs()
        return Evidence(remains, runs, operations, causes(self.release, self.nemesis.faults), requests=requests)

    def _violations(self, evidence: Evidence, fired: dict[str, dict[str, str]], submitters: Submitters) -> list[Violation]:
        told = [("wrong-answer", problem) for problem in submitters.problems + _wrong_keys(evidence.remains, submitters.keys)]
        told += [("not-calm", problem) for problem in self.problems] + [("schedule", problem) for problem in _wrong_times(fired)]
        return [Violation(kind, "", what) for kind, what in told] + checker.check(evidence)

    def _keep(self, report: Report) -> None:
        """Everything in files, for whoever looks for what happened."""
        (self.folder / "faults").write_text("".join(f"{fault}\n" for fault in report.faults))
        (self.folder / "violations").write_text("".join(f"{violation}\n" for violation in report.violations))
        (self.folder / "answers").write_text(json.dumps([[each.began, each.ended, each.met] for each in report.answers]))
        events = [f"{event.time:.3f} {event.job} {event}\n" for event in report.evidence.remains.events]
        (self.folder / "events").write_text("".join(events))


def _settings(release: Release, port: int) -> Settings:
    """The settings of the release, as somebody beside it has them who reads its Redis."""
    config = overlaid(yaml.safe_load((CHART / "values.yaml").read_text())["config"], release.values["config"])
    return load_settings(
        redis_ip="127.0.0.1",
        redis_port=port,
        redis_username="api",
        redis_password=release.secret(f"{FULL}-redis", "api-password"),
        redis_db=config["redisDb"],
        queue_db=config["queueDb"],
        key_prefix=config["keyPrefix"],
        lease_seconds=config["leaseSeconds"],
        max_lost=config["maxLost"],
        max_crashes=config["maxCrashes"],
        queues=[QUEUES[1]],
    )


def _wrong_times(fired: dict[str, dict[str, str]]) -> list[str]:
    """Times of schedules that were left out, or for which there are two jobs."""
    found = []
    for name, (every, *_) in SCHEDULES.items():
        times = sorted(float(record["scheduled_for"]) for record in fired.values() if record["schedule"] == name)
        if not times:
            found.append(f"the schedule {name} has fired at no time")
        found += [
            f"the schedule {name} fired for {earlier:.3f} and then for {later:.3f}"
            for earlier, later in itertools.pairwise(times)
            if abs(later - earlier - every) > 0.01
        ]
    return found


def _wrong_keys(remains: Remains, keys: dict[str, str]) -> list[str]:
    """Idempotency-Keys that stand for another job than the one that was answered."""
    prefix = "idempotency."
    kept = {name.partition("/")[2]: value for name, value in remains.keys.items() if name.startswith(prefix)}
    return [f"{key} was answered with {job} and stands for {kept.get(key)}" for key, job in keys.items() if kept.get(key) != job]


def _numbers(remains: Remains) -> dict[str, int]:
    """Durable counters, summed over their labels, and jobs by status."""
    found: dict[str, int] = {}
    for name, number in remains.counters.items():
        found[name.split("|")[0]] = found.get(name.split("|")[0], 0) + number
    return found | {status: sum(record.get("status") == status for record in remains.records.values()) for status in TERMINAL}
