"""Every command block of the README does what it shows, against a running demonstration."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest

from lib.operations import load_catalog, run
from tests.features.conftest import Demo
from tests.waiting import until
from tests.workers import ROOT

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def blocks(kind: str) -> list[str]:
    """The blocks of one kind, in order."""
    return [text for name, text in BLOCKS if name == kind]


def matches(shown: str, text: str) -> bool:
    """Whether an output is as the README shows it; `...` stands for anything."""
    pattern = ".*".join(map(re.escape, shown.strip().split("...")))
    return re.fullmatch(pattern, text.strip(), re.DOTALL) is not None


def somebody(demo: Demo, home: Path) -> dict[str, str]:
    """The environment of somebody who has installed the package, and for whom the demonstration runs."""
    program = home / "bin" / "trafficjobs"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m trafficjobs "$@"\n')
    program.chmod(0o755)
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": path, "PYTHONPATH": str(ROOT), "HOME": str(home), "TRAFFICJOBS_URL": demo.url, "LC_ALL": "C.UTF-8"}


def test_every_command_answers_as_the_readme_shows(demo: Demo, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    options: Any = {"cwd": tmp_path, "env": somebody(demo, tmp_path), "capture_output": True, "text": True, "timeout": 60}
    for block in blocks("console"):
        for command, shown in re.findall(r"^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
            here = command.replace("http://127.0.0.1:5000", demo.url)

            def output(here: str = here) -> str:
                return subprocess.run(["bash", "-c", here], **options).stdout

            if "/results" in here:  # a reader is slower than the worker; a test may not be
                until(lambda shown=shown, output=output: matches(shown, output()), 20, shown)  # type: ignore[misc]
            else:
                found = output()
                assert matches(shown, found), f"{here}\n{found}"
    assert (tmp_path / "data" / "rush-hour.png").read_bytes().startswith(b"\x89PNG")


def python_block(word: str) -> str:
    """The Python block that holds a word."""
    (block,) = [text for text in blocks("python") if word in text]
    return block


def test_the_polling_client_gets_its_result(demo: Demo) -> None:
    program = python_block("requests.post").replace("http://localhost:5000", demo.url)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("complete {'top_locations': {"), done.stderr


def test_curl_the_command_line_and_the_client_get_the_same_result(demo: Demo, tmp_path: Path) -> None:
    """The three ways that the README has side by side; the other two run with all commands."""
    (table,) = re.findall(r"<table>.*?</table>", README, re.DOTALL)
    assert [name for name, _ in re.findall(r"^```(\w+)\n(.*?)^```$", table, re.MULTILINE | re.DOTALL)] == [
        "console",
        "console",
        "python",
    ]
    program = python_block("import Client").replace("http://127.0.0.1:5000", demo.url)
    done = subprocess.run(
        [sys.executable, "-c", program], env=somebody(demo, tmp_path), capture_output=True, text=True, timeout=60
    )
    wanted = httpx.get(f"{demo.url}/top_locations", params={"n": 2}, timeout=30).json()
    assert done.stdout == f"{wanted}\n", done.stderr


def test_the_workers_program_completes_a_job(demo: Demo) -> None:
    port = re.search(r"redis .*127\.0\.0\.1:(\d+)", demo.text)
    assert port
    environment = os.environ | {"REDIS_PORT": port[1], "QUEUE_NAME": "readme", "PYTHONPATH": str(ROOT)}
    adding = "from lib.jobs import add_job; print(add_job('2020-01-01', '2020-02-01')['id'])"
    jid = subprocess.run(
        [sys.executable, "-c", adding], env=environment, capture_output=True, text=True, timeout=60
    ).stdout.strip()
    worker = subprocess.Popen([sys.executable, "-c", python_block("q.worker")], env=environment)
    try:
        until(lambda: httpx.get(f"{demo.url}/jobs/{jid}", timeout=30).json()["status"] == "complete", 30, "the end of the job")
    finally:
        worker.kill()
        worker.wait()


def test_the_operation_of_ones_own_is_found_and_computes(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(python_block("weekend_share"))
    catalog = load_catalog(tmp_path)
    assert catalog.broken == {}
    frame: Any = pd.DataFrame({"issue": ["a", "a", "b", "a"], "weekday": [5, 0, 1, 6]})
    assert run(catalog.get("weekend_share"), {}, frame) == {"share": 0.5}
    assert run(catalog.get("weekend_share"), {"issue": "a"}, frame) == {"share": pytest.approx(2 / 3)}


def test_the_two_commands_are_targets_of_make() -> None:
    named = [line for block in blocks("sh") for line in block.splitlines()]
    assert named == ["make demo", "make test"]
    for command in named:
        assert subprocess.run([*command.split(), "--dry-run"], cwd=ROOT, capture_output=True, timeout=60).returncode == 0


def test_links_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
