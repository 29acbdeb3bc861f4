"""What looks at a commit (.pre-commit-config.yaml) and where a container for developers begins (.devcontainer): both use what
`make` uses, and nothing is fetched."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.workers import ROOT

CONFIG = ROOT / ".pre-commit-config.yaml"
BIN = Path(sys.prefix, "bin")


def hooks() -> list[dict[str, Any]]:
    read = yaml.safe_load(CONFIG.read_text())["repos"]
    assert [repo["repo"] for repo in read] == ["local"]
    return [hook for repo in read for hook in repo["hooks"]]


def test_a_commit_is_looked_at_by_what_lint_runs() -> None:
    makefile = (ROOT / "Makefile").read_text()
    lint = re.findall(r"\$\((?:PY\) -m |VENV\)/bin/)(\w+)", re.search(r"(?m)^lint:.*\n((?:\t.*\n)+)", makefile)[1])  # type: ignore[index]
    assert len(lint) > 2
    used = [str(hook["entry"]).split()[0] for hook in hooks()]
    assert set(lint) <= {Path(program).name for program in used}
    assert all((BIN / Path(program).name).exists() for program in used)


def test_a_file_out_of_style_is_not_committed(tmp_path: Path) -> None:
    """In a repository with our configuration and programs; types and links need all files, and are left out here."""
    for name in (CONFIG.name, "pyproject.toml"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / ".gitignore").write_text(".venv\n")
    whole = ("mypy", "zizmor", "layers")
    env = os.environ | {"SKIP": ",".join(whole), "PRE_COMMIT_HOME": str(tmp_path / "home")}
    env |= {f"GIT_{who}_{what}": "someone" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    assert set(whole) < {hook["id"] for hook in hooks()}

    def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, cwd=tmp_path, env=env, text=True, capture_output=True, check=False)

    assert run("git", "init", "--quiet").returncode == 0
    assert run(BIN / "pre-commit", "install").returncode == 0
    page = tmp_path / "page.py"
    page.write_text('"""A module."""\n\nNAME = "straight"\n')
    run("git", "add", ".")
    done = run("git", "commit", "--quiet", "--message", "In style")
    assert done.returncode == 0, done.stderr
    page.write_text('"""A module."""\nimport os\nNAME   = "crooked"\n')
    run("git", "add", ".")
    refused = run("git", "commit", "--quiet", "--message", "Out of style")
    assert refused.returncode == 1
    assert re.search(r"ruff check\.+Failed", refused.stderr), refused.stderr
    assert re.search(r"ruff format\.+Failed", refused.stderr), refused.stderr


def test_the_container_of_developers_begins_with_make() -> None:
    container = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text())
    program, target = container["postCreateCommand"].split()
    assert program == "make"
    assert re.search(rf"(?m)^{target}:", (ROOT / "Makefile").read_text())
    assert container["forwardPorts"] == [5000]
