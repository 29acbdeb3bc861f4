"""Every block of docs/your-own-operation.md does what it shows: files, their test, the commands, compose and the chart."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from lib.settings import load_settings
from tests.chart.rendering import FULL, Chart
from tests.features.test_readme import matches
from tests.servers import Server
from tests.service import Service, whole_service
from tests.waiting import until
from tests.workers import ROOT
from tools.make_sample import make_sample, write

PAGE = (ROOT / "docs" / "your-own-operation.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
EXAMPLES = ROOT / "examples"
OWN = EXAMPLES / "operations"


def blocks(kind: str) -> list[str]:
    """The blocks of one kind, in order."""
    return [text for name, text in BLOCKS if name == kind]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with the example, a file that is not finished, and some data."""
    folder = tmp_path_factory.mktemp("own")
    operations = shutil.copytree(OWN, folder / "operations", ignore=shutil.ignore_patterns("__pycache__"))
    (operations / "unfinished.py").write_text("import nothing_of_that_name\n")
    sample = folder / "sample.csv"
    write(make_sample(3_000, seed=1), sample)
    with Server(folder / "redis") as server:
        settings = load_settings(redis_ip="127.0.0.1", redis_port=server.port, data_cache=folder / "cache", log_level="warning")
        with whole_service(settings, folder, worker_children=1, operations_dir=operations) as running:
            job = httpx.post(f"{running.url}/data", content=sample.read_bytes(), timeout=30).json()["id"]
            until(lambda: httpx.get(f"{running.url}/jobs/{job}", timeout=30).json()["status"] == "complete", 60, "the data")
            yield running


def test_every_command_answers_as_the_page_shows(service: Service, tmp_path: Path) -> None:
    program = tmp_path / "trafficjobs"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m trafficjobs "$@"\n')
    program.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    env = {"PATH": path, "PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "TRAFFICJOBS_URL": service.url, "LC_ALL": "C.UTF-8"}
    commands = [pair for block in blocks("console") for pair in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)]
    assert len(commands) == 10
    for command, shown in commands:
        here = ["bash", "-c", command.replace("http://127.0.0.1:5000", service.url)]
        done = subprocess.run(here, env=env, capture_output=True, text=True, timeout=60)
        assert matches(shown, done.stdout), f"{command}\n{done.stdout}{done.stderr}"


def test_worker_and_api_name_the_file_that_is_not_finished(service: Service) -> None:
    broken = httpx.get(f"{service.url}/readyz", timeout=30).json()["checks"]["operations_broken"]
    assert [each["file"] for each in broken] == ["unfinished.py"]
    (worker,) = httpx.get(f"{service.url}/workers", timeout=30).json()["workers"]
    assert worker["operations_broken"] == broken
    assert "secondary_incidents" in worker["operations"]


def test_every_parameter_of_the_example_is_described_and_typed(service: Service) -> None:
    schema = httpx.get(f"{service.url}/operations/secondary_incidents", timeout=30).json()["schema"]
    shared = {"start", "end", "issue", "road", "bbox", "agency", "tz"}
    assert set(schema["properties"]) == {"minutes", "metres"} | shared
    for field in schema["properties"].values():
        assert field["title"]
        assert field["description"]
        assert field.keys() & {"type", "anyOf"}
    assert {"default": 60, "minimum": 1, "maximum": 240, "type": "integer"}.items() <= schema["properties"]["minutes"].items()
    assert "/secondary_incidents" in httpx.get(f"{service.url}/openapi.json", timeout=30).json()["paths"]
    assert httpx.get(f"{service.url}/templates", timeout=30).json()["secondary_incidents"]["params"]["minutes"] == 30


def test_a_file_that_changes_is_read_at_the_next_start_only(service: Service) -> None:
    operations = service.running["operations_dir"]
    (operations / "late.py").write_text((OWN / "secondary.py").read_text().replace("def secondary_incidents", "def late"))
    try:
        assert httpx.get(f"{service.url}/operations/late", timeout=30).status_code == 404
        with service.worker() as second:
            until(lambda: second.children, 30, "a child of the second worker")
            named = lambda: [worker["operations"] for worker in httpx.get(f"{service.url}/workers", timeout=30).json()["workers"]]  # noqa: E731
            until(lambda: sorted("late" in operations for operations in named()) == [False, True], 30, "the operation")
    finally:
        (operations / "late.py").unlink()


def test_the_files_of_the_page_are_those_of_the_folder_and_the_test_passes() -> None:
    assert blocks("python") == [(OWN / "secondary.py").read_text(), (EXAMPLES / "test_secondary.py").read_text()]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "examples"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert "3 passed" in done.stdout, done.stdout + done.stderr


def test_make_and_compose_give_the_folder_to_api_and_worker() -> None:
    make = blocks("sh")[0].strip().replace("$PWD", str(ROOT))
    assert make == f"OPERATIONS_DIR={OWN} make demo"
    (override,) = map(yaml.safe_load, blocks("yaml"))
    known = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    for name in ("api", "worker"):
        added = override["services"][name]
        (host, inside, mode) = added["volumes"][0].split(":")
        assert added["environment"]["OPERATIONS_DIR"] == inside
        assert (ROOT / host, mode) == (OWN, "ro")
        assert name in known


def test_the_values_of_the_page_mount_the_file_in_api_and_workers_and_a_change_rolls_both() -> None:
    lines = "".join(blocks("sh")).replace("\\\n", "").splitlines()
    given = next(shlex.split(line)[-1] for line in lines if "--set-file" in line)
    name, _, path = given.partition("=")
    assert name == r"operations.files.secondary\.py"
    chart = Chart()
    try:
        text = (ROOT / path).read_text()
        one, two = (chart.render({"operations": {"files": {"secondary.py": each}}}) for each in (text, text + "\n"))
        assert one.get("ConfigMap", f"{FULL}-operations")["data"] == {"secondary.py": text}
        for workload in (one.get("Deployment", f"{FULL}-api"), one.worker()):
            (container, *_) = workload["spec"]["template"]["spec"]["containers"]
            assert {"name": "OPERATIONS_DIR", "value": "/operations"} in container["env"]
        for first, second in (
            (one.worker(), two.worker()),
            (one.get("Deployment", f"{FULL}-api"), two.get("Deployment", f"{FULL}-api")),
        ):
            sums = [each["spec"]["template"]["metadata"]["annotations"]["checksum/operations"] for each in (first, second)]
            assert sums[0] != sums[1]
        option = next(shlex.split(line)[-1] for line in lines if "existingConfigMap" in line)
        assert option == "operations.existingConfigMap=our-operations"
        theirs = chart.render({"operations": {"existingConfigMap": "our-operations"}})
        assert {"name": "operations", "configMap": {"name": "our-operations"}} in theirs.worker()["spec"]["template"]["spec"][
            "volumes"
        ]
    finally:
        chart.close()
