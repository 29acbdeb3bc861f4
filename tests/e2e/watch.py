"""Every pod of a namespace from its birth to its end, as the cluster tells it: names, times, restarts, exits.

Pods that have gone stay in the list: who ran a job is often gone when the test asks. A thread of its own listens; times
are of this machine's clock at the moment of hearing, because the cluster's own are whole seconds.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from kubernetes import watch
from kubernetes.client import ApiException, CoreV1Api
from urllib3.exceptions import HTTPError

COMPONENT = "app.kubernetes.io/component"
_ROUND = 5  # seconds for which one request listens


@dataclass
class Pod:
    """What is known of one pod. Times are None until they came."""

    name: str
    uid: str
    component: str
    created: float
    scheduled: float | None = None
    started: float | None = None  # its first container runs
    ready: float | None = None
    deleting: float | None = None
    gone: float | None = None
    restarts: int = 0
    exits: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        moments = {name: getattr(self, name) for name in ("scheduled", "started", "ready", "deleting", "gone")}
        told = [f"{name} +{at - self.created:.1f}" for name, at in moments.items() if at is not None]
        deaths = [f"restarts {self.restarts} ({'; '.join(self.exits)})"] if self.restarts else []
        return f"{self.name}: {', '.join(told + deaths)}"


class PodWatch:
    """The pods of a namespace from the start of the block on.

    Args:
        on_start: called with each pod as soon as its first container runs.
    """

    def __init__(self, core: CoreV1Api, namespace: str, on_start: Callable[[Pod], None] = lambda _: None) -> None:
        self._core, self._namespace, self._on_start = core, namespace, on_start
        self._pods: dict[str, Pod] = {}
        self._counts: list[tuple[float, str, int]] = []
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="watch", daemon=True)

    def __enter__(self) -> "PodWatch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join(2 * _ROUND)

    def pods(self, component: str, since: float = 0.0) -> list[Pod]:
        """Those that were there at some time from `since` on, the oldest first."""
        chosen = [pod for pod in self._pods.values() if pod.component == component]
        return sorted((pod for pod in chosen if pod.gone is None or pod.gone >= since), key=lambda pod: pod.created)

    def alive(self, component: str) -> list[Pod]:
        """Those that are there and not told to go."""
        return [pod for pod in self.pods(component) if pod.gone is None and pod.deleting is None]

    def present(self, component: str) -> list[Pod]:
        """Those that are there, also if they are on their way out."""
        return [pod for pod in self.pods(component) if pod.gone is None]

    def pod(self, name: str) -> Pod:
        """The last one of that name."""
        return [pod for pod in self._pods.values() if pod.name == name][-1]

    def counts(self, component: str, since: float = 0.0) -> list[tuple[float, int]]:
        """How many were alive, at every moment at which that changed."""
        return [(at, number) for at, about, number in self._counts if about == component and at >= since]

    def most(self, component: str, since: float = 0.0) -> int:
        """How many were alive at once, at most."""
        return max((number for _, number in self.counts(component, since)), default=0)

    # Listening

    def _listen(self) -> None:
        version = ""
        while not self._end.is_set():
            try:
                version = self._round(version)
            except (ApiException, HTTPError, OSError):  # too old a version, or the API of the cluster was away
                version = ""
                self._end.wait(0.5)

    def _round(self, version: str) -> str:
        """Listen for a while; where to go on. Without a version everything is read anew."""
        if not version:
            found = self._core.list_namespaced_pod(self._namespace)
            uids = {self._take(item, "") for item in found.items}
            for pod in list(self._pods.values()):
                if pod.uid not in uids and pod.gone is None:
                    self._change(pod, lambda pod, now: setattr(pod, "gone", now))
            version = str(found.metadata.resource_version)
        stream = watch.Watch().stream(
            self._core.list_namespaced_pod, self._namespace, resource_version=version, timeout_seconds=_ROUND
        )
        for event in stream:
            self._take(event["object"], event["type"])
            version = str(event["object"].metadata.resource_version)
        return version

    def _take(self, item: Any, kind: str) -> str:
        uid = str(item.metadata.uid)
        if uid not in self._pods:
            component = (item.metadata.labels or {}).get(COMPONENT, "")
            self._pods[uid] = Pod(item.metadata.name, uid, component, time.time())
        pod = self._pods[uid]
        before = pod.started
        self._change(pod, lambda pod, now: _note(pod, item, kind, now))
        if before is None and pod.started is not None:
            self._on_start(pod)
        return uid

    def _change(self, pod: Pod, change: Callable[[Pod, float], None]) -> None:
        now = time.time()
        change(pod, now)
        number = len(self.alive(pod.component))
        last = [count for _, about, count in self._counts if about == pod.component][-1:]
        if last != [number]:
            self._counts.append((now, pod.component, number))


def _note(pod: Pod, item: Any, kind: str, now: float) -> None:
    """What one event says of a pod."""
    conditions = {each.type for each in item.status.conditions or [] if each.status == "True"}
    statuses = item.status.container_statuses or []
    if "PodScheduled" in conditions:
        pod.scheduled = pod.scheduled or now
    if any(status.state.running for status in statuses):
        pod.started = pod.started or now
    if "Ready" in conditions:
        pod.ready = pod.ready or now
    if item.metadata.deletion_timestamp is not None:
        pod.deleting = pod.deleting or now
    restarts = sum(status.restart_count for status in statuses)
    if restarts > pod.restarts:
        ends = [status.last_state.terminated for status in statuses if status.last_state.terminated]
        pod.exits += [f"{end.reason}, exit code {end.exit_code}" for end in ends]
    pod.restarts = max(pod.restarts, restarts)
    if kind == "DELETED":
        pod.gone = now
