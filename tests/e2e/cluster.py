"""The cluster that KUBECONFIG points at: the clients, what must be there before any test can run, and namespaces.

Nothing of the cluster itself is changed but namespaces of our own, which are labelled as such.
"""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kubernetes import client, config
from kubernetes.client import ApiException
from kubernetes.config import ConfigException
from urllib3.exceptions import HTTPError

from tests.e2e.waits import until

LABELS = {
    "pod-security.kubernetes.io/enforce": "restricted",
    "pod-security.kubernetes.io/warn": "restricted",
    "trafficjobs.io/e2e": "true",
}
NEVER_COMES = ("ErrImageNeverPull", "ErrImagePull", "ImagePullBackOff", "InvalidImageName")


class ClusterError(Exception):
    """The tests cannot run on this cluster as it is; the message says what to do about it."""


def kubectl(*arguments: str, check: bool = True, timeout: float = 60) -> str:
    """The output of a kubectl command; of a failing one with `check=False`, its errors as well."""
    done = subprocess.run(["kubectl", *arguments], capture_output=True, text=True, timeout=timeout)
    if check and done.returncode:
        raise AssertionError(f"kubectl {' '.join(arguments)} failed:\n{done.stdout[-2000:]}{done.stderr}")
    return done.stdout if check else done.stdout + done.stderr


@dataclass
class Cluster:
    """Typed clients, and `custom` for the objects of KEDA."""

    core: client.CoreV1Api = field(default_factory=client.CoreV1Api)
    apps: client.AppsV1Api = field(default_factory=client.AppsV1Api)
    scaling: client.AutoscalingV2Api = field(default_factory=client.AutoscalingV2Api)
    custom: client.CustomObjectsApi = field(default_factory=client.CustomObjectsApi)

    def create_namespace(self, name: str) -> None:
        """One that enforces the restricted Pod Security Standard, ready for pods."""
        self.core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=name, labels=LABELS)))
        accounts = self.core.list_namespaced_service_account
        until(lambda: accounts(name).items, len, 60, f"the default service account of {name}")

    def delete_namespace(self, name: str) -> None:
        """With everything in it, running jobs as well; waits until it is gone, so that nothing disturbs the next test."""
        now = client.V1DeleteOptions(grace_period_seconds=0)
        self.core.delete_namespace(name)
        until(lambda: self._emptied(name, now), lambda gone: gone, 300, f"the end of namespace {name}", every=2)

    def _emptied(self, name: str, now: client.V1DeleteOptions) -> bool:
        try:
            self.core.read_namespace(name)
            self.core.delete_collection_namespaced_pod(name, body=now)
        except ApiException as error:
            if error.status == 404:
                return True
            raise
        return False

    def pods(self, namespace: str, **labels: str) -> list[Any]:
        """Pods as they are now, chosen by the labels `app.kubernetes.io/<key>`."""
        selector = ",".join(f"app.kubernetes.io/{key}={value}" for key, value in labels.items())
        return list(self.core.list_namespaced_pod(namespace, label_selector=selector).items)


def connect() -> Cluster:
    """The cluster, with everything there that a release needs. Raises ClusterError."""
    for program in ("kubectl", "helm"):
        if shutil.which(program) is None:
            raise ClusterError(f"{program} is not on PATH; these tests drive a cluster with it")
    chosen = os.environ.get("KUBECONFIG", "")
    if not chosen and not (Path.home() / ".kube/config").is_file():
        raise ClusterError("KUBECONFIG is not set; point it at a cluster that may be tried on")
    try:
        config.load_kube_config()
        cluster = Cluster()
        cluster.core.list_namespace(limit=1, _request_timeout=10)
    except (ConfigException, ApiException, HTTPError, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise ClusterError(f"the cluster of KUBECONFIG={chosen or '~/.kube/config'} cannot be reached: {reason}") from None
    _find_keda()
    return cluster


def _find_keda() -> None:
    """KEDA must not only be known to the API, its operator must run."""
    found = json.loads(kubectl("get", "deployments", "--all-namespaces", "-l", "app=keda-operator", "-o", "json"))["items"]
    kinds = kubectl("api-resources", "--api-group=keda.sh", "-o", "name")
    if "scaledobjects.keda.sh" not in kinds or not any(item["status"].get("availableReplicas") for item in found):
        raise ClusterError("KEDA does not run in this cluster; install it: https://keda.sh/docs/latest/deploy/")


def missing_images(pods: list[Any]) -> list[str]:
    """Why containers of these pods can never start: images that are neither in the cluster nor can be pulled."""
    found = set()
    for pod in pods:
        for status in [*(pod.status.init_container_statuses or []), *(pod.status.container_statuses or [])]:
            waiting = status.state.waiting if status.state else None
            if waiting is not None and waiting.reason in NEVER_COMES:
                found.add(f"{status.image}: {waiting.reason}: {waiting.message or ''}".rstrip(": "))
    return sorted(found)
