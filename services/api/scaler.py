"""What scales the workers, for the dashboard: how many pods each pool is to have, has, and may have, and what stands in the way.

Read from the cluster's API in a thread of its own when somebody looks, at most every few seconds in a process, so that no page
waits long for it. Where it cannot be read, the page gets a sentence instead.
"""

import logging
import threading
import time
from dataclasses import dataclass
from typing import Any

from lib.cluster_api import ClusterApi, ClusterError
from lib.settings import Settings

INTERVAL = 5.0  # seconds between the beginnings of two looks, at least
PATIENCE = 0.5  # seconds for which a page waits for a look, counted from its beginning
OLDEST = 15.0  # seconds; what was seen before that is not shown any more
SILENT = "The cluster's API has not answered yet."
_TIMEOUT = 2.0  # seconds for one request of a look
_APPS, _AUTOSCALING, _KEDA = "apis/apps/v1", "apis/autoscaling/v2", "apis/keda.sh/v1alpha1"
# Conditions of Deployments, autoscalers and ScaledObjects, and the status in which each is a trouble.
_TROUBLES = {
    "ReplicaFailure": "True",
    "AbleToScale": "False",
    "ScalingActive": "False",
    "ScalingLimited": "True",
    "Ready": "False",
    "Fallback": "True",
    "Paused": "True",
}
# Reasons that belong to every day: no pods are wanted, or as few as allowed, or more or fewer come step by step.
_USUAL = {"ScalingDisabled", "TooFewReplicas", "ScaleUpLimit", "ScaleDownLimit"}

logger = logging.getLogger("trafficjobs.api")


@dataclass(frozen=True)
class Pool:
    """A pool of workers.

    Attributes:
        wanted, ready: numbers of pods.
        least, most: between which it is scaled; None where nothing scales it.
        scaled: when the autoscaler last changed it, in ISO 8601; KEDA's own steps from and to zero are not told of.
        troubles: what its objects say against themselves.
    """

    name: str
    wanted: int
    ready: int
    least: int | None
    most: int | None
    scaled: str | None
    troubles: list[str]


@dataclass(frozen=True)
class Scaling:
    """All pools, or the reason why they cannot be seen."""

    pools: list[Pool]
    reason: str = ""


class ScalerView:
    """The scaling of the Deployments in SCALER_VIEW, as one process has seen it last."""

    def __init__(self, settings: Settings, api: ClusterApi | None = None) -> None:
        self._names = settings.scaler_view
        self._api = api or ClusterApi(settings.pod_namespace, timeout=_TIMEOUT)
        self._lock = threading.Lock()
        self._began = -INTERVAL
        self._over = threading.Event()
        self._over.set()
        self._found, self._at = Scaling([]), -OLDEST

    def seen(self) -> Scaling | None:
        """What was seen at most a few seconds ago; None where the view is off. Waits for at most PATIENCE and raises nothing."""
        if not self._names:
            return None
        with self._lock:
            if self._over.is_set() and time.monotonic() - self._began >= INTERVAL:
                self._began = time.monotonic()
                self._over.clear()
                threading.Thread(target=self._look, name="scaler-view", daemon=True).start()
            rest = self._began + PATIENCE - time.monotonic()
        self._over.wait(max(0.0, rest))
        with self._lock:
            if time.monotonic() - self._at > OLDEST:
                return Scaling([], SILENT)
            return self._found

    def _look(self) -> None:
        try:
            pools = [_pool(self._api, *name.partition(":")[::2]) for name in self._names]
            found = Scaling([pool for pool in pools if pool is not None])
        except ClusterError as error:
            found = Scaling([], f"The cluster's API does not show it: {error}")
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            found = Scaling([], f"The cluster's API answered something else: {error!r}")
        with self._lock:
            before, self._found, self._at = self._found, found, time.monotonic()
            self._over.set()
        if found.reason and found.reason != before.reason:
            logger.warning("Scaler: %s", found.reason)


def _pool(api: ClusterApi, name: str, scaler: str) -> Pool | None:
    """One pool; None where its Deployment is not there. Raises: ClusterError."""
    deployment = api.get(_APPS, "deployments", name)
    if deployment is None:
        return None
    scaled = api.get(_KEDA, "scaledobjects", name) if scaler == "keda" else None
    # At zero pods, and until KEDA has made it, there may be no autoscaler; its name is KEDA's choice.
    of_keda = (scaled or {}).get("status", {}).get("hpaName", "")
    named = of_keda if scaler == "keda" else name if scaler == "hpa" else ""
    autoscaler = api.get(_AUTOSCALING, "horizontalpodautoscalers", named) if named else None
    status, bounds = deployment.get("status", {}), _bounds(scaled, autoscaler)
    return Pool(
        name=deployment["metadata"].get("labels", {}).get("trafficjobs.io/pool", name),
        wanted=int(deployment["spec"].get("replicas", 1)),
        ready=int(status.get("readyReplicas", 0)),
        least=bounds[0],
        most=bounds[1],
        scaled=(autoscaler or {}).get("status", {}).get("lastScaleTime"),
        troubles=[trouble for each in (scaled, autoscaler, deployment) for trouble in _troubles(each or {})],
    )


def _bounds(scaled: dict[str, Any] | None, autoscaler: dict[str, Any] | None) -> tuple[int | None, int | None]:
    """Least and most pods: KEDA's where it scales, since its autoscaler never says zero. What is left out has their defaults."""
    if scaled is not None:
        return int(scaled["spec"].get("minReplicaCount", 0)), int(scaled["spec"].get("maxReplicaCount", 100))
    if autoscaler is not None:
        return int(autoscaler["spec"].get("minReplicas", 1)), int(autoscaler["spec"]["maxReplicas"])
    return None, None


def _troubles(found: dict[str, Any]) -> list[str]:
    conditions = found.get("status", {}).get("conditions") or []
    return [
        f"{each.get('reason') or each['type']}: {each.get('message', '')}"
        for each in conditions
        if _TROUBLES.get(each["type"]) == each["status"] and each.get("reason") not in _USUAL
    ]
