"""The pod's deletion cost: Kubernetes takes the pod with the lowest first when it scales in, so that jobs are handed back
less often. Opt-in, since a pod needs the right to patch pods for it; where that fails, nothing but a warning comes of it.

https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/#pod-deletion-cost
"""

import logging
import threading
import time
from collections.abc import Callable

from lib.cluster_api import ClusterApi, ClusterError

logger = logging.getLogger("trafficjobs.worker")

ANNOTATION = "controller.kubernetes.io/pod-deletion-cost"
_EVERY = 5.0  # seconds between two writes, at least; the documentation asks for few
_LOOK = 0.5  # seconds between two looks: a scaler comes soon after a pod has become idle


class DeletionCost:
    """Writes the number of running jobs to the pod's annotation when it has changed, but not more often than every few seconds.

    Args:
        api: the API of the pod's cluster.
        pod: the pod's name.
    """

    def __init__(self, api: ClusterApi, pod: str, every: float = _EVERY) -> None:
        self.api = api
        self.pod = pod
        self.every = every
        self._written = 0  # what a pod without the annotation counts as
        self._warned = False
        self._next = 0.0

    def start(self, running: Callable[[], int]) -> threading.Thread:
        """Go on in a daemon thread for the life of the process; `running` is asked for the number."""
        thread = threading.Thread(target=self._forever, args=(running,), name="deletion-cost", daemon=True)
        thread.start()
        return thread

    def _forever(self, running: Callable[[], int]) -> None:
        pause = threading.Event()
        while not pause.wait(min(_LOOK, self.every)):
            cost = running()
            if cost == self._written or time.monotonic() < self._next:
                continue
            self._next = time.monotonic() + self.every
            try:
                self.api.patch("api/v1", "pods", self.pod, {"metadata": {"annotations": {ANNOTATION: str(cost)}}})
            except ClusterError as error:
                if not self._warned:
                    logger.warning("The pod's deletion cost cannot be written: %s", error)
                self._warned = True
            else:
                self._written, self._warned = cost, False
