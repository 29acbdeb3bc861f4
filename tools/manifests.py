"""Plain manifests, for those who want no Helm: `python tools/manifests.py`, which is what `make manifests` runs.

The chart is rendered with k8s/values.yaml and written as one file per component, without what only Helm can use: its tests
and its labels. The namespace is fixed in the files, because KEDA asks Redis by an address that names it.
"""

import argparse
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import helm_python
import yaml

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "k8s"
NAME = "trafficjobs"
HEADER = "# Made by `make manifests` from charts/trafficjobs and k8s/values.yaml; change those.\n"
# Folders that are written anew; whatever else is in k8s/ is written by hand.
FOLDERS = ("trafficjobs", "keda", "monitoring")
_SCALER = {"ScaledObject", "TriggerAuthentication"}
_WATCHED = {"ServiceMonitor", "PodMonitor", "PrometheusRule"}
# What others need comes first in its file; kinds that are not named come last.
_ORDER = ("ServiceAccount", "ConfigMap", "Service", "NetworkPolicy", "PodDisruptionBudget", "TriggerAuthentication")
_OF_HELM = {"helm.sh/chart", "app.kubernetes.io/managed-by"}


class _Readable(yaml.SafeDumper):
    """Indents lists, and writes texts of several lines as such."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Readable.add_representer(str, _text)


def manifests(namespace: str = NAME) -> dict[str, str]:
    """Every file to be written, by its path below k8s/."""
    values = yaml.safe_load((OUT / "values.yaml").read_text())
    rendered = helm_python.Chart.load(ROOT / "charts" / "trafficjobs").render(values, name=NAME, namespace=namespace)
    files: dict[str, list[dict[str, Any]]] = {}
    for path in sorted(rendered):
        if path.endswith(".yaml"):
            for found in yaml.safe_load_all(rendered[path]):
                if found and "helm.sh/hook" not in found["metadata"].get("annotations", {}):
                    files.setdefault(_file(found), []).append(_without_helm(found))
    return {name: HEADER + "".join(map(_document, sorted(found, key=_rank))) for name, found in sorted(files.items())}


def _file(found: dict[str, Any]) -> str:
    if found["kind"] in _SCALER:
        return "keda/scaler.yaml"
    if found["kind"] in _WATCHED:
        return f"monitoring/{found['kind'].lower()}.yaml"
    return f"trafficjobs/{found['metadata']['labels']['app.kubernetes.io/component']}.yaml"


def _rank(found: dict[str, Any]) -> int:
    return _ORDER.index(found["kind"]) if found["kind"] in _ORDER else len(_ORDER)


def _document(found: dict[str, Any]) -> str:
    return "---\n" + yaml.dump(found, Dumper=_Readable, sort_keys=False, width=120)


def _without_helm(found: dict[str, Any]) -> dict[str, Any]:
    """The object without the labels by which Helm knows its own."""
    for metadata in _metadata(found):
        labels = metadata.get("labels", {})
        metadata |= {"labels": {key: value for key, value in labels.items() if key not in _OF_HELM}} if labels else {}
    return found


def _metadata(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if isinstance(node.get("metadata"), dict):
            yield node["metadata"]
        for value in node.values():
            yield from _metadata(value)
    elif isinstance(node, list):
        for value in node:
            yield from _metadata(value)


def main() -> None:
    """Write the files, and take away those that are not made any more."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--namespace", default=NAME, help=f"namespace of every object ({NAME})")
    parser.add_argument("--out", type=Path, default=OUT, help="folder (k8s)")
    options = parser.parse_args()
    for folder in FOLDERS:
        shutil.rmtree(options.out / folder, ignore_errors=True)
    for name, text in manifests(options.namespace).items():
        path = options.out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    main()
