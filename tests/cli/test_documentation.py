"""Every block of docs/command-line.md does what it shows, on a real service."""

import json
import os
import re
import shlex
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Shell
from tests.service import Service
from tests.waiting import until
from tests.workers import ROOT
from trafficjobs.cli.failures import EXIT_CODES

PAGE = (ROOT / "docs" / "command-line.md").read_text()
BLOCKS = re.findall(r"^```([\w-]+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
ADDRESS = "http://127.0.0.1:5000"


@pytest.fixture
def place(service: Service, home: Path, tmp_path: Path) -> dict[str, str]:
    """The environment of somebody who has installed the package and has no profile yet."""
    program = tmp_path / "bin" / "trafficjobs"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m trafficjobs "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    return {
        "PATH": path,
        "PYTHONPATH": str(ROOT),
        "HOME": str(tmp_path),
        "TRAFFICJOBS_URL": service.url,
        "LC_ALL": "C.UTF-8",
        "TRAFFICJOBS_CONFIG": os.environ["TRAFFICJOBS_CONFIG"],
    }


def in_this_process(bare: Shell, place: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Runs a line of the page as bash would, and a plain command of ours within this process, which takes a tenth of the time."""
    monkeypatch.chdir(place["HOME"])
    monkeypatch.setenv("TRAFFICJOBS_URL", place["TRAFFICJOBS_URL"])

    def run(line: str) -> str:
        if not line.startswith("trafficjobs ") or set(line) & set("|<>"):
            return output(["bash", "-c", line], place)
        answer = bare(*shlex.split(line)[1:])
        return answer.out + (f"\n{answer.err}" if answer.code else "")

    return run


def output(command: list[str], place: dict[str, str]) -> str:
    done = subprocess.run(command, cwd=place["HOME"], env=place, capture_output=True, text=True, timeout=60)
    return done.stdout + (f"\n{done.stderr}" if done.returncode else "")


def matches(shown: str, text: str) -> bool:
    """Whether an output is as the page shows it; `...` stands for anything, and spaces may be more."""
    pattern = ".*".join(r"\s+".join(map(re.escape, part.split())) for part in shown.strip().split("..."))
    return re.fullmatch(pattern.replace(".*", r"\s*.*\s*"), text.strip(), re.DOTALL) is not None


@pytest.mark.parametrize("block", [text for kind, text in BLOCKS if kind == "console"])
def test_every_command_answers_as_the_page_shows(
    service: Service, place: dict[str, str], bare: Shell, monkeypatch: pytest.MonkeyPatch, block: str
) -> None:
    run = in_this_process(bare, place, monkeypatch)
    for line, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
        here = line.replace(ADDRESS, service.url)
        if "/results" in line:  # a reader is slower than the worker; a test may not be
            until(lambda shown=shown, here=here: matches(shown, run(here)), 20, shown)  # type: ignore[misc]
        else:
            found = run(here).replace(service.url, ADDRESS)
            assert matches(shown, found), f"{line}\n{found}"


@pytest.mark.parametrize("block", [text for kind, text in BLOCKS if kind == "python"])
def test_every_program_runs(service: Service, place: dict[str, str], block: str) -> None:
    command = [sys.executable, "-W", "error", "-W", "default::ResourceWarning", "-c", block.replace(ADDRESS, service.url)]
    done = subprocess.run(command, cwd=place["HOME"], env=place, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "top_locations" in done.stdout
    if "submit_many" in block:
        assert "params.n params.n: must be a whole number" in done.stdout
        assert (Path(place["HOME"]) / "by-weekday.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("block", [text for kind, text in BLOCKS if kind == "sh"])
def test_the_script_tells_exit_codes_apart(place: dict[str, str], nowhere: str, block: str) -> None:
    assert output(["bash", "-c", block], place) == "there it is\n"
    assert output(["bash", "-c", block], place | {"TRAFFICJOBS_URL": nowhere}) == "try again later\n"


def test_the_table_of_exit_codes_is_that_of_the_help() -> None:
    listed = re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)
    assert listed == re.findall(r"(?:^|; |\s)(\d+) (?=[a-z])", EXIT_CODES.partition(":")[2])


KUBECTL = """#!/bin/sh
case "$*" in
  "-n trafficjobs get secret tj-trafficjobs-tokens -o jsonpath={.data.submit-token}") printf dGpfc2VjcmV0 ;;
  "-n trafficjobs port-forward svc/tj-trafficjobs-api 5000:80") exec sleep 60 ;;
  *) echo "not as the page says: $*" >&2; exit 1 ;;
esac
"""


def test_a_service_in_a_cluster_is_a_profile(service: Service, place: dict[str, str], home: Path, tmp_path: Path) -> None:
    (block,) = (text for kind, text in BLOCKS if kind == "shell-session")
    made, used = (line.removeprefix("$ ").replace(ADDRESS, service.url) for line in block.splitlines())
    program = tmp_path / "bin" / "kubectl"
    program.write_text(KUBECTL)
    program.chmod(0o755)
    assert re.search(rf"tj +{re.escape(service.url)} +yes", output(["bash", "-c", made], place))
    profiles = Path(place["TRAFFICJOBS_CONFIG"])
    assert json.loads(profiles.read_text())["profiles"]["tj"]["token"] == "tj_secret"
    assert stat.S_IMODE(profiles.stat().st_mode) == 0o600
    assert output(["bash", "-c", used], place).startswith(("ID ", "\n"))


def test_the_cluster_is_named_as_the_chart_names_it() -> None:
    chart = ROOT / "charts" / "trafficjobs"
    names = [(chart / "templates" / "_names.tpl").read_text(), (chart / "templates" / "api" / "service.yaml").read_text()]
    assert 'printf "%s-tokens"' in names[0]
    assert 'printf "%s-api"' in names[1]
    assert "submit-token" in (chart / "templates" / "NOTES.txt").read_text()
