"""Every command where the service is away, where the token is wrong, and where the queue is full."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer.main

from tests.cli.conftest import PARKED, Shell
from tests.cli.fakes import answering
from trafficjobs.backup_form import packed
from trafficjobs.cli.app import app

# Every command that asks the service, with arguments that would do.
ASKING: dict[str, list[str]] = {
    "submit": ["unique_issues"],
    "load": ["{csv}"],
    "status": ["x"],
    "result": ["x"],
    "list": [],
    "watch": [],
    "cancel": ["x"],
    "retry": ["x"],
    "failures": [],
    "delete": ["x"],
    "log": ["x"],
    "deliveries": ["x"],
    "resend": ["x", "job_x_0_1"],
    "operations": [],
    "templates": [],
    "queues": [],
    "pause": ["job-queue"],
    "resume": ["job-queue"],
    "drain": ["job-queue"],
    "open": ["job-queue"],
    "purge": ["job-queue", "--yes"],
    "workers": [],
    "worker drain": ["x"],
    "worker resume": ["x"],
    "adopt": ["--from", "rq", "--redis", "redis://127.0.0.1:1/0"],
    "backup": ["{csv}.backup"],
    "restore": ["{backup}"],
    "doctor": [],
    "top": [],
    "events": [],
    "data search": [],
    "data get": ["x"],
    "data versions": [],
    "data activate": ["v-1"],
    "data remove": ["v-1"],
    "batch submit": ["{bodies}"],
    "batch list": [],
    "batch show": ["x"],
    "batch wait": ["x"],
    "batch cancel": ["x"],
    "batch retry": ["x"],
    "batch deliveries": ["x"],
    "batch resend": ["x", "batch_x_0"],
    "schedule new": ["unique_issues", "--every", "60"],
    "schedule change": ["x", "--every", "60"],
    "schedule list": [],
    "schedule show": ["x"],
    "schedule pause": ["x"],
    "schedule resume": ["x"],
    "schedule trigger": ["x"],
    "schedule delete": ["x"],
}
LOCAL = {"up", "demo", "token new", "token list", "token revoke", "profile set", "profile use", "profile list", "profile remove"}


def commands(group: Any, before: str = "") -> dict[str, Any]:
    """Every command below a group, by the words that call it."""
    found: dict[str, Any] = {}
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            found |= commands(command, f"{before}{name} ")
        else:
            found[f"{before}{name}"] = command
    return found


EVERY = commands(typer.main.get_command(app))


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    (tmp_path / "incidents.csv").write_text("Traffic Report ID\n")
    (tmp_path / "bodies.json").write_text('[{"operation": "unique_issues"}]')
    (tmp_path / "whole.backup").write_bytes(b"".join(packed([], {"made": "2026-01-01T00:00:00+00:00"})))
    return tmp_path / "incidents.csv"


def words(command: str, csv: Path) -> list[str]:
    files = {"csv": csv, "bodies": csv.parent / "bodies.json", "backup": csv.parent / "whole.backup"}
    return [*command.split(), *(word.format(**files) for word in ASKING[command])]


def test_no_command_is_left_out_here() -> None:
    assert set(EVERY) == set(ASKING) | LOCAL


@pytest.mark.parametrize("command", EVERY)
def test_every_command_explains_itself_and_takes_json(bare: Shell, command: str) -> None:
    answer = bare(*command.split(), "--help")
    assert answer.code == 0
    assert EVERY[command].help in " ".join(answer.out.replace("│", " ").split()) or len(EVERY[command].help) > 60
    assert "--json" in answer.out or command in ("up", "demo")
    assert "\x1b" not in answer.out


def test_the_help_documents_the_exit_codes(bare: Shell) -> None:
    shown = " ".join(bare("--help").out.split())
    for told in ("0 done", "1 a job failed", "3 there is no such thing", "5 the service is away", "6 not in time"):
        assert told in shown
    assert bare().out == bare("--help").out
    assert bare("--version").out.startswith("trafficjobs ")


@pytest.mark.parametrize("command", ASKING)
def test_a_service_that_is_away_is_exit_code_5(bare: Shell, nowhere: str, csv: Path, command: str) -> None:
    answer = bare(*words(command, csv), "--url", nowhere, "--patience", 0)
    assert answer.code == 5
    assert f"{nowhere} cannot be reached" in answer.err
    assert answer.err.endswith("trafficjobs doctor; or start one here with: trafficjobs up\n")
    assert len(answer.err.splitlines()) == 1


@pytest.mark.parametrize("command", ASKING)
def test_errors_are_json_where_json_is_asked_for(bare: Shell, nowhere: str, csv: Path, command: str) -> None:
    answer = bare(*words(command, csv), "--url", nowhere, "--patience", 0, "--json")
    told = json.loads(answer.err)["error"]
    assert (answer.code, told["exit_code"], told["kind"]) == (5, 5, "Unavailable")
    if answer.out:
        assert answer.json["ok"] is False  # what doctor had found


@pytest.mark.parametrize(
    ("status", "kind", "remedy"),
    [
        (401, "unauthorized", "TRAFFICJOBS_TOKEN"),
        (403, "forbidden", "token of a higher role"),
        (429, "too-many-attempts", "TRAFFICJOBS_TOKEN"),
    ],
)
def test_a_token_that_does_not_do_is_exit_code_4(bare: Shell, csv: Path, status: int, kind: str, remedy: str) -> None:
    problem = {"type": f"/problems/{kind}", "title": "No", "status": status, "detail": "This token does not do."}
    with answering(status, problem, {"Retry-After": "1"} if status == 429 else None) as url:
        for command in ASKING:
            answer = bare(*words(command, csv), "--url", url)
            assert answer.code == 4, command
            assert answer.err.startswith("trafficjobs: This token does not do. "), command
            assert remedy in answer.err


def test_a_full_queue_is_exit_code_4_and_says_what_to_do(shell: Shell, small: str) -> None:
    full = ["submit", "unique_issues", "--queue", PARKED, "--url", small, "--patience", 0]
    answer = shell(*full)
    for _ in range(3):
        answer = shell(*full)
    assert answer.code == 4
    assert f"Queue {PARKED} holds" in answer.err
    assert "--patience 60" in answer.err
    many = shell("submit", "-f", "-", "--url", small, stdin=f'{{"operation": "unique_issues", "queue": "{PARKED}"}}\n')
    assert (many.code, many.out) == (4, "")
    assert "0 of 1 were submitted." in many.err


@pytest.mark.parametrize("url", ["nonsense", "ftp://there", "http://", "http://[::1", "http://127.0.0.1:99999"])
def test_an_address_that_is_none_is_told(bare: Shell, url: str) -> None:
    answer = bare("list", "--url", url, "--patience", 0)
    assert answer.code in (2, 5)
    assert url in answer.err or "127.0.0.1" in answer.err


def test_something_that_is_not_the_service_is_told(bare: Shell) -> None:
    with answering(404, {"hello": "world"}) as url:
        answer = bare("list", "--url", url)
    assert "is it trafficjobs?" in answer.err
    with answering(308, {}, {"Location": "https://elsewhere/"}) as url:
        answer = bare("list", "--url", url)
    assert "redirects to https://elsewhere/; use that address" in answer.err


def test_what_nobody_foresaw_is_a_sentence_too(bare: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trafficjobs.cli.session.Client", lambda *_, **__: 1 / 0)
    answer = bare("list")
    assert answer.code == 70
    assert answer.err.startswith("trafficjobs: Something unforeseen happened: ZeroDivisionError")
