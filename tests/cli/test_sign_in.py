"""Signing in to a real service: tokens made by the command line, what each role may do, and a token that is revoked."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from lib.jobs import Quota
from services.api.tokens import TokenFile
from tests.cli.conftest import Shell
from tests.service import Service, serving
from tests.waiting import until
from trafficjobs import Client, Forbidden, Unauthorized
from trafficjobs.token_files import ROLES, add, new


@pytest.fixture(scope="module")
def guarded(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path, dict[str, str]]]:
    """A copy of the API that wants tokens: its address, the file, and a token for each role."""
    file = tmp_path_factory.mktemp("tokens") / "tokens"
    tokens: dict[str, str] = {}
    for role in ROLES:
        tokens[role], entry = new(role, role)
        add(file, entry)
    with serving(service.settings, service.folder, **service.running, tokens_file=file) as api:
        yield api.url, file, tokens


Guarded = tuple[str, Path, dict[str, str]]


def test_no_token_and_a_wrong_one_are_refused_with_the_next_step(
    bare: Shell, guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    for token in ("", "tj_wrong"):
        monkeypatch.setenv("TRAFFICJOBS_TOKEN", token)
        answer = bare("submit", "unique_issues", "--url", guarded[0])
        assert (answer.code, answer.out) == (4, "")
        assert "trafficjobs profile set NAME --url URL --token -" in answer.err
        assert bare("doctor", "--url", guarded[0]).code == 4


@pytest.mark.parametrize(
    ("role", "codes"),
    [("view", [0, 4, 4]), ("submit", [0, 0, 4]), ("admin", [0, 0, 0])],
)
def test_each_role_may_do_what_it_may(bare: Shell, guarded: Guarded, role: str, codes: list[int]) -> None:
    url, _, tokens = guarded
    assert bare("profile", "set", role, "--url", url, "--token", "-", stdin=tokens[role]).code == 0
    answers = [bare("list"), bare("submit", "unique_issues"), bare("resume", "job-queue")]
    assert [answer.code for answer in answers] == codes
    assert all("token of a higher role" in answer.err for answer in answers if answer.code)


def test_the_name_of_the_token_stands_in_the_record(guarded: Guarded, home: Path) -> None:
    url, _, tokens = guarded
    with Client(url, tokens["submit"]) as client:
        job = client.submit("print", msg="mine")
        assert job.result() and job.record["by"] == "submit"  # noqa: PT018
        assert [record["by"] for record in job.watch()] == ["submit"]
    with Client(url, tokens["view"]) as client, pytest.raises(Forbidden):
        client.job(job.id).delete()


def test_a_token_counts_from_when_it_is_made_until_it_is_revoked(bare: Shell, guarded: Guarded) -> None:
    url, file, _ = guarded
    token = bare("token", "new", "guest", "--role", "view", "--file", file).out.strip()

    def known() -> bool:
        try:
            with Client(url, token) as client:
                return bool(client.queues())
        except Unauthorized:
            return False

    until(known, 10, "the token in the service")
    assert bare("token", "revoke", "guest", "--file", file).code == 0
    until(lambda: not known(), 10, "the end of the token")


def test_a_token_may_have_a_quota_and_its_line_is_read_everywhere(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    answer = shell("token", "new", "student", "--role", "submit", "--file", file, "--pending", 5, "--per-minute", 60, "--json")
    token = answer.json["token"]
    assert file.read_text().endswith(" pending=5 per_minute=60\n")
    (found,) = shell("token", "list", "--file", file, "--json").json["tokens"]
    assert (found["pending"], found["per_minute"]) == (5, 60)
    caller = TokenFile(file).find(token)
    assert caller is not None
    assert caller.quota == Quota(5, 60)
    assert shell("token", "revoke", "student", "--file", file).code == 0


def test_whoever_could_read_a_file_of_tokens_can_read_it_when_it_was_changed(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    assert shell("token", "new", "one", "--role", "view", "--file", file).code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(file, 10_001, 10_001)
    before = file.stat()
    assert shell("token", "new", "two", "--role", "view", "--file", file).code == 0
    assert shell("token", "revoke", "one", "--file", file).code == 0
    after = file.stat()
    assert (after.st_uid, after.st_gid, after.st_mode) == (before.st_uid, before.st_gid, before.st_mode)
