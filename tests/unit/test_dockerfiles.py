"""What the text of the Dockerfiles promises: no root, no shell before the program, nothing that was not locked, no secret."""

import json
import re
from pathlib import Path

import pytest

from tests.workers import ROOT

FILES = sorted((ROOT / "services").glob("*/Dockerfile"))

pytestmark = pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)


def instructions(path: Path) -> list[tuple[str, str]]:
    """Each instruction with all that follows it, lines joined."""
    text = "\n".join(line for line in path.read_text().splitlines() if not line.lstrip().startswith("#"))
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    return [(word.upper(), rest.strip()) for word, _, rest in (line.partition(" ") for line in lines) if word]


def last_stage(path: Path) -> dict[str, list[str]]:
    """Instructions of what becomes the image."""
    found = instructions(path)
    start = max(number for number, (word, _) in enumerate(found) if word == "FROM")
    made: dict[str, list[str]] = {}
    for word, rest in found[start:]:
        made.setdefault(word, []).append(rest)
    return made


def test_there_is_one_for_each_service(path: Path) -> None:
    assert [each.parent.name for each in FILES] == ["api", "worker"]


def test_the_program_is_the_first_process_and_gets_the_signals(path: Path) -> None:
    stage = last_stage(path)
    (entry,) = stage["ENTRYPOINT"]
    words = json.loads(entry)  # the form without a shell is JSON
    assert words[0] in ("gunicorn", "python")
    assert not {"CMD", "SHELL", "HEALTHCHECK", "ONBUILD"} & stage.keys()
    assert not re.search(r"\$\{?[A-Za-z]|\b(ba)?sh\b", entry)  # which only a shell would fill in


def test_it_runs_as_a_user_without_rights_whom_kubernetes_can_tell_from_root(path: Path) -> None:
    (user,) = last_stage(path)["USER"]
    number, _, group = user.partition(":")
    assert int(number) > 1000
    assert int(group) > 1000
    home = re.search(rf"x:{number}:{group}:.*:(\S+?)\"", " ".join(last_stage(path)["RUN"]))
    assert home is not None
    assert home[1].endswith("nologin")


def test_python_itself_is_compiled_in_the_image_since_nothing_can_be_written_later(path: Path) -> None:
    (run,) = last_stage(path)["RUN"]
    assert re.search(r"compileall .*--invalidation-mode unchecked-hash .*sysconfig.get_path\(.stdlib.\)", run)


def test_all_that_is_installed_is_locked_by_its_hash_and_comes_from_where_pip_looks(path: Path) -> None:
    whole = instructions(path)
    installs = [rest for word, rest in whole if word == "RUN" and "pip" in rest and "install" in rest]
    assert len(installs) == 1
    assert "--require-hashes" in installs[0]
    assert not [rest for word, rest in whole if word == "ADD"]
    for tool in ("curl", "wget", "apt", "apk", "git ", "http://", "https://"):
        assert not [rest for word, rest in whole if word in ("RUN", "COPY") and tool in rest], tool


def test_only_the_programs_go_in_and_no_secret(path: Path) -> None:
    stage = last_stage(path)
    assert not [rest for rest in stage["COPY"] if re.match(r"\.(\s|/)", rest)], "the whole checkout"
    given = " ".join(stage.get("ENV", []) + stage.get("ARG", []))
    assert not re.search(r"PASSWORD|SECRET|TOKEN|_KEY", given, re.I)
    assert "--chown" not in " ".join(stage["COPY"])  # what runs cannot change its own code
