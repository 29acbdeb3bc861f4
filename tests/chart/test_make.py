"""Targets of make for clusters and images, with programs that only write down how they were called, and without them."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.chart.pods import container
from tests.chart.rendering import Chart, merged
from tests.workers import ROOT

MAKE = shutil.which("make")
NEEDED = ("bash", "basename", "sed", "git", "grep", "mkdir")  # what the Makefile itself calls
FAKE = '#!/bin/sh\necho "$(basename "$0") $*" >>"$CALLS"\n'
pytestmark = pytest.mark.skipif(MAKE is None, reason="there is no make here")


def run(target: str, folder: Path, *fakes: str) -> subprocess.CompletedProcess[str]:
    """Run a target where nothing but the Makefile's own programs and the fakes are on PATH."""
    assert MAKE is not None
    for name in NEEDED:
        (folder / name).symlink_to(str(shutil.which(name)))
    for name in fakes:
        (folder / name).write_text(FAKE)
        (folder / name).chmod(0o755)
    environment = {"PATH": str(folder), "CALLS": str(folder / "calls"), "HOME": str(folder), "LC_ALL": "C"}
    command = [MAKE, target, "REGISTRY=registry.example/roads", "TAG=7"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("target", ["kind", "minikube"])
@pytest.mark.parametrize("missing", [0, 1, 2, 3])
def test_the_program_that_is_missing_is_named_and_nothing_is_begun(tmp_path: Path, target: str, missing: int) -> None:
    programs = [target, "kubectl", "helm", "docker"]
    name = programs.pop(missing)
    ended = run(target, tmp_path, *programs)
    assert ended.returncode == 2
    assert f"make {target} needs {name}, which is not on PATH" in ended.stderr
    assert not (tmp_path / "calls").exists()


@pytest.mark.parametrize("target", ["kind", "minikube"])
def test_a_cluster_gets_keda_both_images_and_the_chart_in_this_order(chart: Chart, tmp_path: Path, target: str) -> None:
    ended = run(target, tmp_path, target, "kubectl", "helm", "docker", "rm")
    assert ended.returncode == 0, ended.stderr
    calls = (tmp_path / "calls").read_text().splitlines()
    order = [
        {"kind": "kind create cluster --name trafficjobs --config k8s/kind.yaml", "minikube": "minikube start"}[target],
        "docker build",
        "rm -f build/api.tar",
        "docker save -o build/api.tar registry.example/roads/api:7",
        "rm -f build/worker.tar",
        "docker save -o build/worker.tar registry.example/roads/worker:7",
        {"kind": "kind load image-archive build/worker.tar", "minikube": "minikube image load build/worker.tar"}[target],
        "helm upgrade --install keda keda",
        "kubectl apply -f k8s/namespace.yaml",
        "helm upgrade --install trafficjobs charts/trafficjobs",
        "helm test trafficjobs",
    ]
    positions = [next(number for number, call in enumerate(calls) if call.startswith(words)) for words in order]
    assert positions == sorted(positions)
    given = dict(part.split("=") for part in calls[positions[-2]].replace(",", " ").split() if "=" in part)
    values: dict[str, object] = {}
    for path, value in given.items():
        nested: object = value
        for key in reversed(path.split(".")):
            nested = {key: nested}
        assert isinstance(nested, dict)
        values = merged(values, nested)
    release = chart.render(values)
    assert container(release.worker(), "worker")["image"] == "registry.example/roads/worker:7"
    api = next(found for found in release.of("Deployment") if found["metadata"]["name"].endswith("-api"))
    assert container(api, "api")["image"] == "registry.example/roads/api:7"


@pytest.mark.parametrize(("target", "saved"), [("kind-load", 3), ("audit-images", 2)])
@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_no_image_is_saved_over_an_archive_that_is_there(tmp_path: Path, engine: str, target: str, saved: int) -> None:
    """Podman refuses to."""
    ended = run(target, tmp_path, engine, "kind", "rm")
    assert ended.returncode == 0, ended.stderr
    calls = (tmp_path / "calls").read_text().splitlines()
    saves = [number for number, call in enumerate(calls) if call.startswith(f"{engine} save -o ")]
    assert len(saves) == saved
    for number in saves:
        archive, image = calls[number].split()[3:]
        assert calls[number - 1] == f"rm -f {archive}"
        assert image.startswith("registry.example/roads/")


@pytest.mark.parametrize("target", ["audit-images", "test-images"])
def test_who_has_neither_docker_nor_podman_is_told_so(tmp_path: Path, target: str) -> None:
    ended = run(target, tmp_path)
    assert ended.returncode == 2
    assert f"install one, or name it: make {target} ENGINE='...'" in ended.stderr
