"""Jobs submitted without a pause from inside the cluster, through the Service: what `kubectl port-forward` cannot show,
because that holds on to one pod."""

import json
from collections import Counter
from typing import Any

from tests.e2e.bystanders import SCRIPTS, Bystander, secret_env
from tests.e2e.cluster import kubectl
from tests.e2e.release import FULL, Release
from tests.e2e.waits import until


class Load:
    """A pod that submits jobs from now on until it is stopped.

    Args:
        operation: what they are; it takes `seconds`.
        longest: seconds that every tenth of them takes.
    """

    def __init__(self, release: Release, operation: str = "nap", longest: float = 10) -> None:
        env = [{"name": "HOST", "value": f"{FULL}-api"}, secret_env("TOKEN", f"{FULL}-tokens", "submit-token")]
        env += [{"name": "OPERATION", "value": operation}, {"name": "LONGEST", "value": f"{longest:g}"}]
        command = ["python", "-c", (SCRIPTS / "load.py").read_text()]
        self._release = release
        self._pod = Bystander(release.cluster, release.namespace, "load", env=env, command=command)

    def submitted(self) -> list[dict[str, Any]]:
        """Every job that was accepted so far, with what its sendings met."""
        return [json.loads(line) for line in self._pod.log().splitlines()]

    def wait_for_more(self, number: int) -> None:
        """Until so many more were accepted."""
        wanted = len(self.submitted()) + number
        until(lambda: len(self.submitted()), lambda seen: seen >= wanted, 120, f"{number} more jobs accepted")

    def stop(self) -> list[dict[str, Any]]:
        """Let it end; all that was submitted, which the release's ledger knows from then on."""
        kubectl("-n", self._release.namespace, "exec", self._pod.name, "--", "touch", "/tmp/stop")
        until(self._pod.phase, lambda phase: phase == "Succeeded", 60, "the end of the load")
        found = self.submitted()
        self._release.accepted.ids.update(each["id"] for each in found)
        return found


def met(submitted: list[dict[str, Any]]) -> Counter[str]:
    """How often each status or error was met by all sendings."""
    return Counter(str(one) for each in submitted for one in each["met"])
