"""Pods beside a release, of which they are no part: strangers, scrapers, programs of others, sources of load.

They run the image of the API, because it is in the cluster and has Python and redis-py, and under restricted Pod Security
as everything else.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.e2e.cluster import Cluster, kubectl
from tests.e2e.values import image
from tests.e2e.waits import until

POD_SECURITY = {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}}
CONTAINER_SECURITY = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
_NOT_ENDED = 3
SCRIPTS = Path(__file__).parent / "scripts"


def secret_env(name: str, secret: str, key: str) -> dict[str, Any]:
    """A variable with the value of a Secret."""
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}


class Bystander:
    """A pod that runs, with its own address.

    Args:
        command: by default it waits for scripts.
        claims: volumes that it reads, and where: name of the claim to path.
    """

    def __init__(
        self,
        cluster: Cluster,
        namespace: str,
        name: str,
        labels: dict[str, str] | None = None,
        env: Sequence[dict[str, Any]] = (),
        command: Sequence[str] = ("sleep", "infinity"),
        claims: Mapping[str, str] | None = None,
    ) -> None:
        self.cluster, self.namespace, self.name = cluster, namespace, name
        mounts = [{"name": claim, "mountPath": path, "readOnly": True} for claim, path in (claims or {}).items()]
        container = {"name": "main", "image": image("api"), "command": list(command), "env": list(env), "volumeMounts": mounts}
        spec = {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 1,
            "automountServiceAccountToken": False,
            "securityContext": POD_SECURITY,
            "volumes": [{"name": claim, "persistentVolumeClaim": {"claimName": claim}} for claim in claims or {}],
            "containers": [{**container, "securityContext": CONTAINER_SECURITY}],
        }
        pod: Any = {"metadata": {"name": name, "labels": {"app": name, **(labels or {})}}, "spec": spec}
        cluster.core.create_namespaced_pod(namespace, pod)
        until(self.phase, lambda phase: phase == "Running", 120, f"pod {name} running")
        self.ip = str(self._status().pod_ip)

    def _status(self) -> Any:
        return self.cluster.core.read_namespaced_pod(self.name, self.namespace).status

    def phase(self) -> str:
        """Pending, Running, Succeeded or Failed."""
        return str(self._status().phase)

    def run(self, script: str, *arguments: str) -> Any:
        """What one of tests/e2e/scripts prints there, as JSON."""
        return run_in(self.namespace, f"pod/{self.name}", script, *arguments)

    def log(self) -> str:
        """What it has printed."""
        return kubectl("-n", self.namespace, "logs", self.name)


def run_in(namespace: str, target: str, script: str, *arguments: str, container: str = "", ends: bool = False) -> Any:
    """What one of tests/e2e/scripts prints in a running container that has Python, as JSON.

    Args:
        ends: the container ends with it, once it has printed; where it could not end it, it exits with 3.
    """
    chosen = ["-c", container] if container else []
    command = ["kubectl", "-n", namespace, "exec", "-i", target, *chosen, "--", "python", "-", *arguments]
    text = (SCRIPTS / script).read_text()
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=120)
    ended = ends and done.stdout and done.returncode != _NOT_ENDED
    if done.returncode and not ended:
        raise AssertionError(f"{script} in {target} failed:\n{done.stderr}{done.stdout}")
    print(done.stderr, end="", file=sys.stderr)
    return json.loads(done.stdout)
