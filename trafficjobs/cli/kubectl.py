"""Reads objects of a cluster through `kubectl` on PATH, so that whoever may look with it may look here, and nobody else."""

import json
import shutil
import subprocess
from typing import Any

TIMEOUT = 20.0  # seconds for one call
_REACHED = "see whether the cluster is reached: kubectl version"


class Unseen(Exception):
    """It could not be looked. `remedy` says what would help.

    Attributes:
        absent: the cluster has no such kind of object.
        away: nothing else can be looked at either.
    """

    def __init__(self, why: str, remedy: str, absent: bool = False, away: bool = False) -> None:
        super().__init__(why)
        self.remedy = remedy
        self.absent = absent
        self.away = away


class Kubectl:
    """One namespace, and one release in it or all.

    Args:
        namespace: that of kubectl's context by default.
        release: name of the Helm release; all of them by default.
    """

    def __init__(self, namespace: str | None, release: str | None) -> None:
        self._where = ["--namespace", namespace] if namespace else []
        label = f"app.kubernetes.io/instance={release}" if release else "app.kubernetes.io/part-of=trafficjobs"
        self._ours = ["--selector", label]

    def ours(self, kind: str) -> list[dict[str, Any]]:
        """The objects of a kind that belong to the release. Raises Unseen."""
        return self._items("get", kind, *self._where, *self._ours, "--output", "json")

    def all(self, kind: str) -> list[dict[str, Any]]:
        """All objects of a kind in the namespace. Raises Unseen."""
        return self._items("get", kind, *self._where, "--output", "json")

    def everywhere(self, kind: str, label: str) -> list[dict[str, Any]]:
        """Objects of a kind with a label in all namespaces. Raises Unseen."""
        return self._items("get", kind, "--all-namespaces", "--selector", label, "--output", "json")

    def names(self, kind: str) -> set[str]:
        """Names of the objects of a kind in the namespace, and nothing of what they hold. Raises Unseen."""
        lines = self._run("get", kind, *self._where, "--output", "name").split()
        return {line.rpartition("/")[2] for line in lines}

    def _items(self, *words: str) -> list[dict[str, Any]]:
        try:
            found: list[dict[str, Any]] = json.loads(self._run(*words))["items"]
        except (ValueError, KeyError, TypeError):
            raise Unseen(
                "kubectl did not answer with a list of objects", "see what it says: kubectl " + " ".join(words)
            ) from None
        return found

    def _run(self, *words: str) -> str:
        program = shutil.which("kubectl")
        if program is None:
            raise Unseen("there is no kubectl on PATH", "install it, and look again", away=True)
        try:
            done = subprocess.run([program, *words], capture_output=True, text=True, timeout=TIMEOUT, stdin=subprocess.DEVNULL)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Unseen(f"kubectl did not answer: {error}", _REACHED, away=True) from None
        if done.returncode == 0:
            return done.stdout
        told = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        if "doesn't have a resource type" in told:
            raise Unseen(told, "install what defines it", absent=True)
        if "Forbidden" in told or "forbidden" in told:
            raise Unseen(told, f"let your user read them: get and list of {words[1]}")
        raise Unseen(told, _REACHED, away=True)
