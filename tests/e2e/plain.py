"""The plain manifests of k8s/ in a namespace of their own: written for it as k8s/README.md says, and applied by its commands."""

import base64
import re
import secrets
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.e2e.cluster import Cluster, kubectl
from tests.e2e.values import image

ROOT = Path(__file__).parents[2]
_IMAGES = re.compile(r"ghcr\.io/trafficjobs/(api|worker):[^\s\"]+")
_BLOCKS = re.compile(r"^ *```sh\n(.*?)^ *```", re.M | re.S)


class Plain:
    """A copy of k8s/ for another namespace, there as long as the block lasts.

    Args:
        folder: where the files are written.
    """

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.namespace = f"e2e-plain-{secrets.token_hex(2)}"
        self.folder = folder
        self._cluster = cluster

    def __enter__(self) -> Self:
        self._write()
        self.run_block("kubectl apply -f k8s/namespace.yaml")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._cluster.delete_namespace(self.namespace)

    def _write(self) -> None:
        command = [sys.executable, "tools/manifests.py", "--namespace", self.namespace, "--out", str(self.folder)]
        subprocess.run(command, cwd=ROOT, check=True)
        (self.folder / "course").mkdir()
        by_hand = [*(ROOT / "k8s/course").iterdir(), ROOT / "k8s/namespace.yaml"]
        for path in by_hand:
            (self.folder / path.relative_to(ROOT / "k8s")).write_text(self._here(path.read_text()))
        for path in self.folder.rglob("*.y*ml"):
            path.write_text(_IMAGES.sub(lambda found: image(found[1]), path.read_text()))

    def _here(self, text: str) -> str:
        """With our namespace in the place of the one that stands there."""
        if "kind: Namespace" in text:
            return text.replace("name: trafficjobs", f"name: {self.namespace}")
        return text.replace("namespace: trafficjobs", f"namespace: {self.namespace}")

    def run_block(self, about: str, lines: int | None = None) -> str:
        """Run the one command block of the README that has this text, for our files and namespace; what it prints.

        Args:
            lines: how many of it; all by default.
        """
        readme = (ROOT / "k8s/README.md").read_text()
        (block,) = [found for found in _BLOCKS.findall(readme) if about in found]
        script = (
            "\n".join(block.splitlines()[:lines])
            .replace("-n trafficjobs", f"-n {self.namespace}")
            .replace("k8s/", f"{self.folder}/")
        )
        done = subprocess.run(["bash", "-e", "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=360)
        assert done.returncode == 0, f"{script}\n{done.stderr}"
        return done.stdout

    def secret(self, name: str, key: str) -> str:
        """A value of a Secret."""
        data = self._cluster.core.read_namespaced_secret(name, self.namespace).data
        return base64.b64decode(data[key]).decode()

    def pods(self, app: str) -> list[str]:
        """Names of running pods with the label app=..."""
        running = ("get", "pods", "-l", f"app={app}", "--field-selector=status.phase=Running")
        return kubectl("-n", self.namespace, *running, "-o", "jsonpath={.items[*].metadata.name}").split()
