"""One release of the chart in a namespace of its own: install, wait until it is ready, speak to it, take it away.

Whoever opens it gets a running service; at the end the namespace is deleted, also after a failure, unless KEEP=1.
"""

import base64
import os
import secrets
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.e2e import evidence
from tests.e2e.accepted import Accepted
from tests.e2e.cluster import Cluster, missing_images
from tests.e2e.helm import CHART, Helm
from tests.e2e.logs import follow
from tests.e2e.portforward import PortForward
from tests.e2e.values import Values, overlaid, quick
from tests.e2e.waits import until
from tests.e2e.watch import Pod, PodWatch
from trafficjobs import Client

NAME = "e2e"
FULL = f"{NAME}-trafficjobs"
READY_WITHIN = 300.0  # seconds; a minute is usual
_RUNS = Path(__file__).parents[2] / "run/e2e"


class Release:
    """A release, installed by `with`.

    Args:
        about: a word for the namespace.
        values: laid over `values.quick()`.
        chart: what is installed; upgrades are to the chart as it stands here.
    """

    def __init__(self, cluster: Cluster, about: str, values: Values | None = None, chart: Path = CHART) -> None:
        self.cluster = cluster
        self.chart = chart
        self.values = overlaid(quick(), values or {})
        self.namespace = f"e2e-{about.replace('_', '-')}-{secrets.token_hex(2)}"
        self.folder = _RUNS / self.namespace
        self.helm = Helm(NAME, self.namespace, self.folder)
        self.pods = PodWatch(cluster.core, self.namespace, self._follow)
        self.seconds_to_ready = 0.0
        self._stack = ExitStack()
        self._clients: dict[str, Client] = {}
        self._accepted: Accepted | None = None
        self._forward: PortForward | None = None

    def __enter__(self) -> Self:
        self.cluster.create_namespace(self.namespace)
        try:
            self._stack.enter_context(self.pods)
            began = time.monotonic()
            (self.folder / "notes.txt").parent.mkdir(parents=True, exist_ok=True)
            (self.folder / "notes.txt").write_text(self.helm.install(self.values, self.chart))
            self.wait_until_ready()
            self.seconds_to_ready = time.monotonic() - began
        except BaseException:
            self.collect()
            self._away()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._away()

    def _away(self) -> None:
        for client in self._clients.values():
            client.close()
        self._stack.close()
        if os.environ.get("KEEP"):
            print(f"kept: namespace {self.namespace}")
        else:
            self.cluster.delete_namespace(self.namespace)

    # What becomes of it

    def upgrade(self, values: Values | None = None, chart: Path = CHART, wait: bool = True) -> str:
        """Upgrade with these values laid over those before; what helm prints."""
        self.values = overlaid(self.values, values or {})
        told = self.helm.upgrade(self.values, chart)
        if wait:
            self.wait_until_ready()
        return told

    def rollback(self, revision: int) -> str:
        """Back to a revision; what helm prints."""
        told = self.helm.rollback(revision)
        self.wait_until_ready()
        return told

    def wait_until_ready(self, seconds: float = READY_WITHIN) -> None:
        """Until all pods that should be there are, in their newest form; at once an error where that can never be."""
        until(self._unready, lambda missing: not missing, seconds, f"release in {self.namespace} ready")

    def _unready(self) -> list[str]:
        missing = missing_images(self.cluster.pods(self.namespace, instance=NAME))
        if missing:
            advice = "images are missing in the cluster; make them, load them, or set REGISTRY and TAG"
            raise RuntimeError("\n  ".join([f"{advice}:", *missing]))
        sets = self.cluster.apps.list_namespaced_stateful_set(self.namespace).items
        deployments = self.cluster.apps.list_namespaced_deployment(self.namespace).items
        for each in deployments:
            for condition in each.status.conditions or []:
                if condition.type == "ReplicaFailure" and condition.status == "True":
                    raise RuntimeError(f"pods of {each.metadata.name} are refused: {condition.message}")
        return [told for each in [*sets, *deployments] if (told := _behind(each))]

    def collect(self) -> None:
        """Write down everything about the release."""
        evidence.collect(self.namespace, self.folder, self._records if self._forward else None)
        print(f"evidence: {self.folder}")

    def _records(self) -> list[dict[str, Any]]:
        with Client(self.url, self.token("view"), patience=5) as client:
            return [dict(job.record) for job in client.jobs()]

    def _follow(self, pod: Pod) -> None:
        if pod.component == "worker":
            follow(self.cluster.core, self.namespace, pod.name, "worker", self.folder / f"{pod.name}.followed.log")

    # Speaking to it

    @property
    def url(self) -> str:
        """Of the API, by way of its Service."""
        if self._forward is None:
            forward = PortForward(self.namespace, f"svc/{FULL}-api", 80, self.folder / "port-forward.log")
            self._forward = self._stack.enter_context(forward)
        return self._forward.url

    def token(self, role: str) -> str:
        """The generated token of a role: admin, submit or view."""
        return self.secret(f"{FULL}-tokens", f"{role}-token")

    def secret(self, name: str, key: str) -> str:
        """A value of a Secret."""
        data = self.cluster.core.read_namespaced_secret(name, self.namespace).data
        return base64.b64decode(data[key]).decode()

    def client(self, role: str = "admin") -> Client:
        """A client with the token of a role; closed with the release."""
        if role not in self._clients:
            self._clients[role] = Client(self.url, self.token(role), patience=90)
        return self._clients[role]

    @property
    def accepted(self) -> Accepted:
        """The ledger of its jobs; tests submit by it."""
        if self._accepted is None:
            self._accepted = Accepted(self.client())
        return self._accepted

    # What it is made of

    def scaled_object(self, pool: str = "default") -> dict[str, Any]:
        """The ScaledObject of a pool."""
        where = ("keda.sh", "v1alpha1", self.namespace, "scaledobjects")
        found: Any = self.cluster.custom.get_namespaced_custom_object(*where, f"{FULL}-worker-{pool}")
        return dict(found)

    def patch_scaled_object(self, spec: dict[str, Any], pool: str = "default") -> None:
        """Change the ScaledObject of a pool by hand."""
        where = ("keda.sh", "v1alpha1", self.namespace, "scaledobjects")
        self.cluster.custom.patch_namespaced_custom_object(*where, f"{FULL}-worker-{pool}", {"spec": spec})

    def worker_replicas(self, pool: str = "default") -> int:
        """How many pods the Deployment of a pool is asked to have."""
        found = self.cluster.apps.read_namespaced_deployment(f"{FULL}-worker-{pool}", self.namespace)
        return int(found.spec.replicas or 0)

    def wait_for_zero(self, seconds: float) -> None:
        """Until no worker is asked for and none is left."""
        what = f"zero workers in {self.namespace}"
        until(lambda: (self.worker_replicas(), len(self.pods.present("worker"))), lambda seen: seen == (0, 0), seconds, what)


def _behind(each: Any) -> str:
    """What a Deployment or StatefulSet still lacks; "" where it is complete."""
    wanted, status = each.spec.replicas, each.status
    settled = getattr(status, "current_revision", None) == getattr(status, "update_revision", None)  # of a StatefulSet
    seen = {
        "observed": status.observed_generation == each.metadata.generation,
        "updated": settled and (status.updated_replicas or 0) >= wanted,
        "ready": (status.ready_replicas or 0) >= wanted,
        "rid of old pods": (status.replicas or 0) == wanted,
    }
    short = [name for name, good in seen.items() if not good]
    return f"{each.metadata.name} ({wanted} wanted) is not {', '.join(short)}" if short else ""
