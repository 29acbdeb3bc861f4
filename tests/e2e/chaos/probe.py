"""Somebody in the cluster who asks the API from beginning to end. The pod is a bystander, which nobody strikes."""

import json

from tests.e2e.bystanders import SCRIPTS, Bystander, secret_env
from tests.e2e.chaos.answers import Answer
from tests.e2e.cluster import kubectl
from tests.e2e.release import FULL, Release


class Probe:
    """A pod that asks from now on, and that can read the volume with the ledger.

    Args:
        claim, path: the volume, and where it is mounted.
    """

    def __init__(self, release: Release, claim: str, path: str) -> None:
        env = [{"name": "HOST", "value": f"{FULL}-api"}, secret_env("TOKEN", f"{FULL}-tokens", "view-token")]
        command = ["python", "-c", (SCRIPTS / "probe.py").read_text()]
        self._namespace = release.namespace
        self._pod = Bystander(release.cluster, release.namespace, "probe", env=env, command=command, claims={claim: path})

    def answers(self) -> list[Answer]:
        """Every request that was over by now, in the order of their ends."""
        lines = [json.loads(line) for line in self._pod.log().splitlines()]
        return sorted((Answer(began, began + took, met) for began, took, met in lines), key=lambda answer: answer.ended)

    def read(self, path: str) -> str:
        """A file of the volume."""
        return kubectl("-n", self._namespace, "exec", self._pod.name, "--", "cat", path, timeout=300)
