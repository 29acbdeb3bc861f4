"""Does what the plan says to a release: pods are deleted and evicted, processes in containers killed, and a node is drained.

Every strike is noted before it is done. A node that was cordoned here is always opened again.
"""

import itertools
import time
from collections.abc import Callable
from typing import Any

from kubernetes import client
from kubernetes.client import ApiException

from tests.chaos.evidence import Fault
from tests.e2e.bystanders import run_in
from tests.e2e.chaos.plan import Planned
from tests.e2e.cluster import LABELS
from tests.e2e.release import FULL, NAME, Release
from tests.e2e.values import LEASE
from tests.e2e.watch import COMPONENT, Pod

CORDONED = 20.0  # seconds
# Seconds after a strike in which it may still be the cause of something; a pod that is gone stays gone.
FOR_EVER, _SOON, _RESTARTED = float("inf"), 5.0, LEASE + 60.0
_PATIENCE = 20.0  # seconds for which a strike waits for a target that is just being started
_OURS = "trafficjobs.io/e2e"


class NoTarget(Exception):
    """There is nothing to strike, for this reason."""


class Nemesis:
    """Strikes one release.

    Args:
        faults: what was done, in order; a drained node is one of its own, and one for each worker's pod that was evicted.
        left_out: what could not be done, and why.
    """

    def __init__(self, release: Release) -> None:
        self.release = release
        self.core = release.cluster.core
        self.faults: list[Fault] = []
        self.left_out: list[str] = []

    def strike(self, planned: Planned) -> None:
        """Do it now, or once there is a target again; what has none for long is left out."""
        patience = time.monotonic() + _PATIENCE
        while True:
            try:
                STRIKES[planned.kind](self, planned)
                return
            except NoTarget as error:
                if time.monotonic() > patience:
                    self.left_out.append(f"{planned}: {error}")
                    return
            time.sleep(0.5)

    def note(self, kind: str, pod: str = "") -> Fault:
        """A fault that begins now."""
        fault = Fault(kind, pod, time.time())
        self.faults.append(fault)
        return fault

    def pod(self, component: str, planned: Planned) -> Pod:
        """Which pod is meant, of those that run."""
        running = [pod for pod in self.release.pods.alive(component) if pod.started]
        if not running:
            raise NoTarget(f"no {component} runs")
        return running[int(planned.which * len(running))]

    def delete(self, planned: Planned, component: str, grace: int | None = None) -> None:
        """Delete a pod of a component."""
        pod = self.pod(component, planned)
        fault = self.note(planned.kind, pod.name)
        options: dict[str, Any] = {} if grace is None else {"grace_period_seconds": grace}
        try:
            self.core.delete_namespaced_pod(pod.name, self.release.namespace, **options)
        except ApiException as error:
            if error.status != 404:
                raise
            self.faults.remove(fault)
            raise NoTarget(f"{pod.name} has gone by itself") from None

    def kill(self, planned: Planned, component: str, container: str, what: str, lasts: float) -> None:
        """SIGKILL in a container of a pod of a component.

        Args:
            what: as scripts/kill.py has it.
            lasts: seconds for which it may be the cause of something.
        """
        pod = self.pod(component, planned)
        fault = self.note(planned.kind, pod.name)
        which = f"{planned.which:.6f}"
        target, ends = f"pod/{pod.name}", what == "container"
        try:
            told = run_in(self.release.namespace, target, "kill.py", what, which, container=container, ends=ends)
        except AssertionError as error:  # kubectl exec found no container, or lost it
            self.faults.remove(fault)
            raise NoTarget(str(error)) from None
        if not told["killed"]:
            self.faults.remove(fault)
            raise NoTarget(f"no {what} in {pod.name}")
        fault.start, fault.end = told["at"], time.time() + lasts

    def others(self) -> list[str]:
        """Namespaces of other tests on this cluster, whose pods a cordoned node would hold up."""
        found = self.core.list_namespace(label_selector=f"{_OURS}={LABELS[_OURS]}").items
        return [str(each.metadata.name) for each in found if each.metadata.name != self.release.namespace]

    def evict(self, node: str) -> None:
        """Ask once for the eviction of each pod of the release on a node; those that a budget protects stay."""
        for found in self.release.cluster.pods(self.release.namespace, instance=NAME):
            if found.spec.node_name != node or found.metadata.deletion_timestamp is not None:
                continue
            name = found.metadata.name
            fault = self.note("evict-worker", name) if found.metadata.labels[COMPONENT] == "worker" else None
            eviction = client.V1Eviction(metadata=client.V1ObjectMeta(name=name, namespace=self.release.namespace))
            try:
                self.core.create_namespaced_pod_eviction(name, self.release.namespace, eviction)
            except ApiException as error:
                if error.status not in (404, 429):
                    raise
                if fault is not None:
                    self.faults.remove(fault)

    def cordon(self, node: str, closed: bool) -> None:
        """Close or open a node for new pods."""
        self.core.patch_node(node, {"spec": {"unschedulable": closed or None}})


def _drain(nemesis: Nemesis, planned: Planned) -> None:
    """The node of Redis: nothing new comes to it, and again and again all that is there is told to go; then it is open again."""
    if others := nemesis.others():
        raise NoTarget(f"other tests run in {', '.join(others)}")
    node = nemesis.core.read_namespaced_pod(f"{FULL}-redis-0", nemesis.release.namespace).spec.node_name
    if not node or nemesis.core.read_node(node).spec.unschedulable:
        raise NoTarget("Redis is on no node, or its node is closed by somebody else")
    fault = nemesis.note(planned.kind)
    try:
        nemesis.cordon(node, True)
        open_at = time.monotonic() + CORDONED
        while time.monotonic() < open_at:
            nemesis.evict(node)
            time.sleep(1.0)
    finally:
        nemesis.cordon(node, False)
    fault.end = time.time()


Strike = Callable[[Nemesis, Planned], None]
STRIKES: dict[str, Strike] = {
    "delete-worker": lambda nemesis, planned: nemesis.delete(planned, "worker"),
    "force-worker": lambda nemesis, planned: nemesis.delete(planned, "worker", grace=0),
    "kill-child": lambda nemesis, planned: nemesis.kill(planned, "worker", "worker", "grandchild", _SOON),
    "kill-nursery": lambda nemesis, planned: nemesis.kill(planned, "worker", "worker", "child", _SOON),
    "kill-container": lambda nemesis, planned: nemesis.kill(planned, "worker", "worker", "container", _RESTARTED),
    "delete-api": lambda nemesis, planned: nemesis.delete(planned, "api"),
    "force-api": lambda nemesis, planned: nemesis.delete(planned, "api", grace=0),
    "kill-gunicorn": lambda nemesis, planned: nemesis.kill(planned, "api", "api", "child", _SOON),
    "kill-api": lambda nemesis, planned: nemesis.kill(planned, "api", "api", "container", _RESTARTED),
    "kill-upkeep": lambda nemesis, planned: nemesis.kill(planned, "api", "upkeep", "container", _RESTARTED),
    "delete-redis": lambda nemesis, planned: nemesis.delete(planned, "redis"),
    "drain-node": _drain,
}
_ENDS_CONTAINER = frozenset({"kill-container", "kill-api", "kill-upkeep"})
# What the checker of tests/chaos knows each as, where it can take a run away.
CAUSES = {
    "delete-worker": "end-worker",
    "evict-worker": "end-worker",
    "force-worker": "kill-worker",
    "kill-container": "kill-worker",
    "kill-child": "kill-child",
    "kill-nursery": "kill-nursery",
}


def causes(release: Release, faults: list[Fault]) -> list[Fault]:
    """The faults as the checker knows them. A pod that goes while Redis is away can hand nothing back: as if it were killed."""
    known = [Fault(CAUSES[fault.kind], fault.worker, fault.start, fault.end) for fault in faults if fault.kind in CAUSES]
    away = outages_of_redis(release, faults)
    for pod in release.pods.pods("worker"):
        gone = pod.gone or FOR_EVER
        if pod.deleting and any(since < gone and pod.deleting < until for since, until in away):
            known.append(Fault("kill-worker", pod.name, pod.deleting))
    return known


def outages_of_redis(release: Release, faults: list[Fault]) -> list[tuple[float, float]]:
    """From each strike at Redis until its next pod was ready, and everybody has had the time to find it."""
    found = []
    for fault in faults:
        if fault.kind in ("delete-redis", "drain-node"):
            ready = [pod.ready for pod in release.pods.pods("redis") if pod.created > fault.start and pod.ready]
            found.append((fault.start, min(ready, default=FOR_EVER) + _SOON))
    return found


def unexplained_restarts(release: Release, faults: list[Fault]) -> list[str]:
    """Pods whose containers were started again more often than they were killed here."""
    pods = itertools.chain.from_iterable(release.pods.pods(component) for component in ("worker", "api", "redis"))
    found = []
    for pod in pods:
        killed = sum(fault.worker == pod.name and fault.kind in _ENDS_CONTAINER for fault in faults)
        if pod.restarts > killed:
            found.append(f"{pod} (killed here {killed} times)")
    return found
