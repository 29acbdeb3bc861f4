"""The chart as the tests see it: values in, objects and notes out, or the words of the refusal.

A render is asked once and remembered, so that tests may ask for the same one again and again. YAML is read more strictly than
by Helm: a key that stands twice in one mapping is an error, as it is to the API of Kubernetes.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.workers import ROOT

CHART = ROOT / "charts" / "trafficjobs"
VERSION = str(yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"])
# What every test's release is called, unless the test is about names.
NAME, NAMESPACE = "shop", "orders"
FULL = f"{NAME}-trafficjobs"

Values = dict[str, Any]
Object = dict[str, Any]


class Refused(Exception):
    """Helm makes nothing of these values; the message is what the user reads."""


class StrictLoader(yaml.CSafeLoader):
    """YAML without doubled keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = {key for key in keys if keys.count(key) > 1}
        assert not twice, f"{twice} stand twice in one mapping, line {node.start_mark.line + 1}"
        return super().construct_mapping(node, deep)


@dataclass(frozen=True)
class Release:
    """What a render gave: every object, hooks included, and the text that the user reads after the install."""

    objects: list[Object]
    notes: str

    def of(self, kind: str) -> list[Object]:
        """All objects of a kind."""
        return [found for found in self.objects if found["kind"] == kind]

    def find(self, kind: str, name: str) -> Object | None:
        """The object, or None where there is none."""
        return next((found for found in self.of(kind) if found["metadata"]["name"] == name), None)

    def get(self, kind: str, name: str) -> Object:
        """The object, which must be there."""
        found = self.find(kind, name)
        assert found is not None, f"no {kind} {name}; there are {[each['metadata']['name'] for each in self.of(kind)]}"
        return found

    def worker(self, pool: str = "default") -> Object:
        """The Deployment of a pool."""
        return self.get("Deployment", f"{FULL}-worker-{pool}")

    def scaler(self, pool: str = "default") -> Object:
        """What KEDA reads for a pool."""
        return self.get("ScaledObject", f"{FULL}-worker-{pool}")


class Chart:
    """A chart in a folder, and the process that renders it."""

    def __init__(self, folder: Path = CHART) -> None:
        self.folder = folder
        command = [sys.executable, "-m", "tests.chart.helm_server", str(folder)]
        self._helm = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._known: dict[str, Release] = {}

    def close(self) -> None:
        """End the process."""
        self._helm.communicate(timeout=20)

    def files(self, values: Values | None = None, name: str = NAME, namespace: str = NAMESPACE) -> dict[str, str]:
        """The text of every template. Raises Refused."""
        assert self._helm.stdin is not None
        assert self._helm.stdout is not None
        print(json.dumps([values or {}, {"name": name, "namespace": namespace}]), file=self._helm.stdin, flush=True)
        answer = json.loads(self._helm.stdout.readline())
        if "refused" in answer:
            raise Refused(answer["refused"])
        files: dict[str, str] = answer["files"]
        return files

    def render(self, values: Values | None = None, name: str = NAME, namespace: str = NAMESPACE) -> Release:
        """The release that these values make. Raises Refused."""
        key = json.dumps([values, name, namespace], sort_keys=True)
        if key not in self._known:
            self._known[key] = release_of(self.files(values, name, namespace))
        return self._known[key]

    def refusal(self, values: Values) -> str:
        """What the user reads who gives these values, which must be refused."""
        try:
            self.files(values)
        except Refused as error:
            return str(error)
        raise AssertionError(f"{values} were accepted")


def release_of(files: dict[str, str]) -> Release:
    """The objects and notes in rendered files."""
    notes = next((text for path, text in files.items() if path.endswith("NOTES.txt")), "")
    return Release([found for path, text in files.items() if not path.endswith("NOTES.txt") for found in documents(text)], notes)


def documents(text: str) -> Iterator[Object]:
    """The objects in a YAML file."""
    for found in yaml.load_all(text, StrictLoader):
        if found:
            assert isinstance(found, dict), found
            yield found


def merged(*layers: Values) -> Values:
    """Values laid over each other, as `-f one.yaml -f two.yaml`."""
    result: Values = {}
    for layer in layers:
        for key, value in layer.items():
            below = result.get(key)
            result[key] = merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return result
