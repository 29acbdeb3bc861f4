"""k8s/: the plain manifests are the chart's, and what is written by hand beside them fits them.

`make manifests` is run in a process of its own, as Helm always is here.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.api.tokens import Role, TokenFile
from tests.chart import test_pods
from tests.chart.pods import containers, environment, pods
from tests.chart.rendering import Object, Release, documents
from tests.chart.test_schemas import CRDS, check
from tests.workers import ROOT

K8S = ROOT / "k8s"
FOLDERS = ("trafficjobs", "keda", "monitoring")
NAMESPACE = "trafficjobs"


def read(folder: str) -> Release:
    """The objects in a folder of k8s/."""
    files = sorted(path for path in (K8S / folder).iterdir() if path.suffix in (".yaml", ".yml"))
    return Release([found for path in files for found in documents(path.read_text())], "")


@pytest.fixture(params=[*FOLDERS, "course"], scope="module")
def folder(request: pytest.FixtureRequest) -> Release:
    return read(request.param)


def made(tmp_path: Path, *options: str) -> dict[str, str]:
    """What the program writes, by path."""
    command = [sys.executable, "tools/manifests.py", "--out", str(tmp_path), *options]
    subprocess.run(command, cwd=ROOT, check=True)
    return {str(path.relative_to(tmp_path)): path.read_text() for path in tmp_path.rglob("*.yaml")}


def test_the_files_are_what_the_chart_makes(tmp_path: Path) -> None:
    there = {str(path.relative_to(K8S)): path.read_text() for name in FOLDERS for path in (K8S / name).iterdir()}
    assert made(tmp_path) == there, "the chart has changed: run `make manifests`"


def test_a_file_that_is_not_made_any_more_goes(tmp_path: Path) -> None:
    (tmp_path / "keda").mkdir()
    (tmp_path / "keda" / "old.yaml").write_text("")
    (tmp_path / "mine.yaml").write_text("")
    files = made(tmp_path)
    assert "keda/old.yaml" not in files
    assert "mine.yaml" in files


def test_another_namespace_is_another_everywhere(tmp_path: Path) -> None:
    for name, text in made(tmp_path, "--namespace", "other").items():
        assert {found["metadata"]["namespace"] for found in documents(text)} == {"other"}, name
        assert "trafficjobs.svc" not in text
    assert "trafficjobs-redis.other.svc:6379" in (tmp_path / "keda" / "scaler.yaml").read_text()


def test_every_object_fits_its_schema(folder: Release) -> None:
    for found in folder.objects:
        check(found)


def test_every_object_names_the_one_namespace(folder: Release) -> None:
    (namespace,) = documents((K8S / "namespace.yaml").read_text())
    check(namespace)
    assert namespace["metadata"]["name"] == NAMESPACE
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert {found["metadata"]["namespace"] for found in folder.objects} == {NAMESPACE}


def test_nothing_in_them_is_helms_or_secret(folder: Release) -> None:
    for found in folder.objects:
        assert found["kind"] != "Secret"
        labels = found["metadata"]["labels"]
        assert "helm.sh/chart" not in labels
        assert "app.kubernetes.io/managed-by" not in labels
        assert not [name for name in found["metadata"].get("annotations", {}) if name.startswith("helm.sh/")]


def test_the_scaler_stands_apart_from_what_every_cluster_knows() -> None:
    assert {found["kind"] for found in read("keda").objects} == {"ScaledObject", "TriggerAuthentication"}
    assert {found["kind"] for found in read("monitoring").objects} == {"ServiceMonitor", "PodMonitor", "PrometheusRule"}
    assert not {found["kind"] for found in read("trafficjobs").objects} & set(CRDS)
    (scaler,) = read("keda").of("ScaledObject")
    worker = read("trafficjobs").get("Deployment", scaler["spec"]["scaleTargetRef"]["name"])
    assert "replicas" not in worker["spec"]


def test_the_pods_are_as_guarded_as_the_charts(folder: Release) -> None:
    test_pods.test_every_pod_is_restricted(folder)
    test_pods.test_no_root_can_be_written_to(folder)
    test_pods.test_every_mount_has_a_volume_and_every_volume_a_mount(folder)


def test_the_courses_debug_pods_reach_redis_as_the_charts_would() -> None:
    debug = read("course").get("Deployment", "redis-client-debug-deployment")
    assert debug["spec"]["replicas"] == 2
    (pod,) = [pod for name, pod in pods(read("course")) if name.endswith("debug-deployment")]
    (container,) = containers(pod)
    assert (container["name"], container["command"]) == ("py39", ["sleep", "999999999"])
    release = read("trafficjobs")
    worker = containers(release.get("Deployment", "trafficjobs-worker-default")["spec"]["template"])[0]
    assert container["image"] == worker["image"]
    given = environment(container)
    assert given["REDIS_IP"] == environment(worker)["REDIS_IP"]
    assert given["REDIS_PORT"] == environment(worker)["REDIS_PORT"]
    allowed = release.get("NetworkPolicy", "trafficjobs-redis")["spec"]["ingress"][0]["from"]
    labels = pod["metadata"]["labels"].items()
    assert [peer for peer in allowed if peer.get("podSelector", {}).get("matchLabels", {"": ""}).items() <= labels]


def test_the_exercises_redis_is_the_releases_image() -> None:
    (own,) = containers(read("course").get("Deployment", "redis-ex-deployment")["spec"]["template"])
    assert own["image"] == containers(read("trafficjobs").of("StatefulSet")[0]["spec"]["template"])[0]["image"]


def secrets_wanted(*objects: Object) -> Iterator[tuple[str, str]]:
    """Name and key of every Secret that is asked for."""
    for _, pod in pods(Release(list(objects), "")):
        for volume in pod["spec"]["volumes"]:
            for item in volume.get("secret", {}).get("items", []):
                yield volume["secret"]["secretName"], item["key"]
        for each in containers(pod):
            for value in environment(each).values() if "env" in each else ():
                if "secretKeyRef" in value:
                    yield value["secretKeyRef"]["name"], value["secretKeyRef"]["key"]
    for found in objects:
        if found["kind"] == "TriggerAuthentication":
            yield from ((ref["name"], ref["key"]) for ref in found["spec"]["secretTargetRef"])


@pytest.mark.skipif(shutil.which("openssl") is None, reason="the commands make passwords with openssl")
def test_the_commands_of_the_readme_make_the_secrets_that_are_wanted(tmp_path: Path) -> None:
    commands = re.findall(r"^   (.*create secret generic.*)$", (K8S / "README.md").read_text(), re.MULTILINE)
    assert len(commands) == 2
    kept = tmp_path / "kept"
    kept.mkdir()
    (tmp_path / "kubectl").write_text(KUBECTL)
    (tmp_path / "kubectl").chmod(0o755)
    for command in commands:
        environ = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "KEPT": str(kept), "TMPDIR": str(tmp_path)}
        subprocess.run(["sh", "-euc", command], check=True, env=environ)
    objects = [*read("trafficjobs").objects, *read("keda").objects, *read("course").objects]
    wanted = {f"{name}.{key}" for name, key in secrets_wanted(*objects)}
    there = {path.name: path.read_bytes() for path in kept.iterdir()}
    assert wanted <= there.keys()
    assert len({hashlib.sha256(value).digest() for value in there.values()}) == len(there)
    tokens = TokenFile(kept / "trafficjobs-tokens.tokens")
    for role in ("admin", "submit", "view"):
        caller = tokens.find(there[f"trafficjobs-tokens.{role}-token"].decode())
        assert caller is not None
        assert caller.role == Role[role.upper()]


# What `kubectl create secret generic` would keep, each key in a file of its own.
KUBECTL = """#!/bin/sh
set -eu
[ "$1 $2 $3 $4 $5" = "-n trafficjobs create secret generic" ]
name=$6
shift 6
for each; do
    case $each in
    --from-literal=*) each=${each#--from-literal=} && printf %s "${each#*=}" >"$KEPT/$name.${each%%=*}" ;;
    --from-file=.) for file in *; do cp "$file" "$KEPT/$name.$file"; done ;;
    *) exit 1 ;;
    esac
done
"""


def test_every_file_that_the_readme_applies_is_there() -> None:
    for path in re.findall(r"kubectl apply -f (\S+)", (K8S / "README.md").read_text()):
        assert (ROOT / path).exists(), path
    for kind, name in re.findall(r"(statefulset|deployment|svc|secret)/?\s?(trafficjobs-\w+)", (K8S / "README.md").read_text()):
        full = {"statefulset": "StatefulSet", "deployment": "Deployment", "svc": "Service"}.get(kind)
        assert full is None or read("trafficjobs").find(full, name), name
