"""What compose.yaml describes, started from the built images, used, and stopped."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.images.composition import Composition
from tests.images.engine import ROOT

pytestmark = [pytest.mark.images, pytest.mark.timeout(400)]

OURS = ("api", "upkeep", "worker")
LOOK = """
import json, os
status = dict(line.split(":\\t", 1) for line in open("/proc/1/status").read().splitlines() if ":\\t" in line)
writable = [each for each in ("/", "/app", "/opt/venv", "/etc", "/var", "/home", "/tmp") if os.access(each, os.W_OK)]
seen = {"uid": status["Uid"].split(), "gid": status["Gid"].split(), "caps": [status["CapEff"], status["CapBnd"]]}
seen |= {"no new privileges": status["NoNewPrivs"], "read-only": bool(os.statvfs("/").f_flag & os.ST_RDONLY)}
print(json.dumps(seen | {"writable": writable}))
"""


@pytest.fixture(scope="module")
def running() -> Iterator[Composition]:
    with Composition() as composition:
        yield composition


def test_each_operation_runs_and_a_plot_is_drawn(running: Composition, tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "trafficjobs.demo", "--url", running.url, "--data-dir", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", OURS)
def test_nobody_is_root_and_only_tmp_can_be_written(running: Composition, name: str) -> None:
    seen = json.loads(running.containers[name].python(LOOK))
    assert set(seen["uid"]) == set(seen["gid"]) == {"10001"}
    assert {int(each, 16) for each in seen["caps"]} == {0}
    assert seen["no new privileges"] == "1"
    assert seen["read-only"]
    assert seen["writable"] == ["/tmp"]


@pytest.mark.parametrize("name", ["api", "worker"])
def test_matplotlib_takes_the_list_of_fonts_that_was_made_with_the_image(running: Composition, name: str) -> None:
    container = running.containers[name]
    program = "from pathlib import Path; print([p.read_text() for p in Path({!r}).glob('fontlist-*.json')])"
    lent, built_in = (container.python(program.format(folder)) for folder in ("/tmp/matplotlib", "/app/fonts"))
    assert lent == built_in != "[]"
    assert "atplotlib" not in container.logs()


def test_all_end_by_themselves_when_asked(running: Composition) -> None:
    for name in reversed(running.containers):
        container, began = running.containers[name], time.monotonic()
        assert container.stop(running.grace(name)) == 0, container.logs()
        assert time.monotonic() - began < running.grace(name)
        assert "Traceback" not in container.logs()
