"""The pod's deletion cost: Kubernetes takes the pod with the lowest first when it scales in, so that jobs are handed back
less often. Opt-in, since a pod needs the right to patch pods for it; where that fails, nothing but a warning comes of it.

https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/#pod-deletion-cost
"""

import json
import logging
import ssl
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

logger = logging.getLogger("trafficjobs.worker")

ANNOTATION = "controller.kubernetes.io/pod-deletion-cost"
_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_EVERY = 5.0  # seconds between two writes, at least; the documentation asks for few
_LOOK = 0.5  # seconds between two looks: a scaler comes soon after a pod has become idle
_TIMEOUT = 5.0  # seconds


class DeletionCost:
    """Writes the number of running jobs to the pod's annotation when it has changed, but not more often than every few seconds.

    Args:
        namespace, pod: which pod this is.
        api: URL of the cluster's API.
        account: folder with the `token`, read anew each time since it is rotated, and `ca.crt`.
    """

    def __init__(
        self,
        namespace: str,
        pod: str,
        api: str = "https://kubernetes.default.svc",
        account: Path = _ACCOUNT,
        every: float = _EVERY,
    ) -> None:
        self.url = f"{api}/api/v1/namespaces/{quote(namespace)}/pods/{quote(pod)}"
        self.account = account
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
                self._write(cost)
            except OSError as error:  # HTTPError among them
                if not self._warned:
                    logger.warning("The pod's deletion cost cannot be written: %s", error)
                self._warned = True
            else:
                self._written, self._warned = cost, False

    def _write(self, cost: int) -> None:
        request = urllib.request.Request(
            self.url,
            json.dumps({"metadata": {"annotations": {ANNOTATION: str(cost)}}}).encode(),
            {
                "Authorization": f"Bearer {(self.account / 'token').read_text().strip()}",
                "Content-Type": "application/merge-patch+json",
            },
            method="PATCH",
        )
        with urllib.request.urlopen(request, timeout=_TIMEOUT, context=self._trust()):
            pass

    def _trust(self) -> ssl.SSLContext | None:
        """Python 3.13 refuses the authorities of many clusters, which lack an extension, unless it is told to be less strict."""
        if not self.url.startswith("https:"):
            return None
        context = ssl.create_default_context(cafile=self.account / "ca.crt")
        context.verify_flags &= ~ssl.VerifyFlags.VERIFY_X509_STRICT
        return context
