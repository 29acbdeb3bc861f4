"""Profiles and token files: what is kept, who may read it, and two programs that change them at once."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Shell
from tests.service import Service
from tests.workers import ROOT
from trafficjobs import Client, Invalid, profiles


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def config() -> Path:
    return profiles.config_file()


def test_profiles_are_made_used_listed_and_removed(bare: Shell, service: Service) -> None:
    assert "no profiles" in bare("profile", "list").err
    assert bare("profile", "set", "here", "--url", service.url).code == 0
    assert bare("profile", "set", "there", "--url", "https://there.example", "--token", "-").code == 2  # nothing is piped in
    assert bare("profile", "set", "there", "--url", "https://there.example/jobs", "--token", "-", stdin="tj_secret\n").code == 0
    listed = bare("profile", "list", "--json").json["profiles"]
    assert listed == [
        {"name": "here", "url": service.url, "token": False, "current": True},
        {"name": "there", "url": "https://there.example/jobs", "token": True, "current": False},
    ]
    assert "tj_secret" not in bare("profile", "list").out
    assert bare("queues").code == 0  # on the profile in use
    assert Client(profile="there").target.token == "tj_secret"
    bare("profile", "use", "there")
    assert Client().url == "https://there.example/jobs"
    bare("profile", "remove", "there")
    assert [one["name"] for one in bare("profile", "list", "--json").json["profiles"]] == ["here"]
    assert Client().url == profiles.DEFAULT_URL


def test_the_file_of_profiles_is_its_owners_alone(bare: Shell) -> None:
    bare("profile", "set", "here", "--url", "http://here", "--token", "tj_x")
    assert mode(config()) == 0o600
    config().chmod(0o644)
    refused = bare("profile", "list")
    assert (refused.code, "chmod 600" in refused.err) == (2, True)
    assert bare("list").code == 2
    config().chmod(0o600)
    assert bare("profile", "set", "here", "--token", "").code == 0
    config().chmod(0o644)  # no token in it any more
    assert bare("profile", "list").code == 0


@pytest.mark.parametrize(
    ("words", "told", "code"),
    [
        (["set", "new"], "--url", 2),
        (["set", "new", "--url", "nonsense"], "http://", 2),
        (["set", "new", "--url", "http://x", "--token", "with space"], "copy it again", 2),
        (["use", "nope"], "profile list", 3),
        (["remove", "nope"], "profile list", 3),
    ],
)
def test_profiles_that_are_not_right(bare: Shell, words: list[str], told: str, code: int) -> None:
    answer = bare("profile", *words)
    assert (answer.code, told in answer.err) == (code, True)


def test_a_file_that_holds_no_profiles_is_told(bare: Shell) -> None:
    config().parent.mkdir(parents=True)
    for text in ("nonsense", "[]", '{"profiles": {"x": 5}}', '{"profiles": 5}'):
        config().write_text(text)
        assert "repair or remove it" in bare("profile", "list").err


def test_a_profile_that_is_not_there_is_told(bare: Shell) -> None:
    assert "no profile 'nope'" in bare("list", "--profile", "nope").err


def test_arguments_win_over_the_environment_and_that_over_the_profile_in_use(home: Path) -> None:
    file = {"current": "a", "profiles": {"a": {"url": "http://a", "token": "of-a"}, "b": {"url": "http://b", "token": None}}}
    config().parent.mkdir(parents=True)
    config().write_text(json.dumps(file))
    config().chmod(0o600)
    path = {"TRAFFICJOBS_CONFIG": str(config())}
    both = path | {"TRAFFICJOBS_URL": "http://env", "TRAFFICJOBS_TOKEN": "of-env"}

    def target(
        environ: dict[str, str], url: str | None = None, token: str | None = None, profile: str | None = None
    ) -> tuple[str, str | None]:
        found = profiles.resolve(url, token, profile, environ)
        return found.url, found.token

    assert target(path) == ("http://a", "of-a")
    assert target(path, None, None, "b") == ("http://b", None)
    assert target(both) == ("http://env", "of-env")
    assert target(both, None, None, "a") == ("http://a", "of-a")
    assert target(both, "http://given") == ("http://given", "of-env")
    assert target(both, "http://given", "given") == ("http://given", "given")
    # a profile's token goes to its own address only
    assert target(path, "http://elsewhere") == ("http://elsewhere", None)
    assert target(path, "http://elsewhere", None, "a") == ("http://elsewhere", None)
    assert target(path, "http://a/", None, "a") == ("http://a", "of-a")
    with pytest.raises(Invalid, match="no profile 'c'"):
        profiles.resolve(profile="c", environ=path)


def test_a_new_address_forgets_the_token_of_the_old_one(bare: Shell) -> None:
    bare("profile", "set", "one", "--url", "http://old", "--token", "tj_x")
    bare("profile", "set", "one", "--url", "http://new")
    assert bare("profile", "list", "--json").json["profiles"][0] == {
        "name": "one",
        "url": "http://new",
        "token": False,
        "current": True,
    }


@pytest.mark.parametrize(
    ("environ", "place"),
    [
        ({"TRAFFICJOBS_CONFIG": "/x/y"}, "/x/y"),
        ({"XDG_CONFIG_HOME": "/c", "HOME": "/h"}, "/c/trafficjobs/profiles.json"),
        ({"HOME": "/h"}, "/h/.config/trafficjobs/profiles.json"),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="other systems keep configuration elsewhere")
def test_where_the_profiles_are(environ: dict[str, str], place: str) -> None:
    assert str(profiles.config_file(environ)) == place


def test_a_token_is_shown_once_and_its_hash_kept(bare: Shell, tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text("# ours\n\n")
    answer = bare("token", "new", "ci", "--role", "submit", "--file", file)
    token = answer.out.strip()
    assert token.startswith("tj_")
    assert len(token) == 46
    line = f"ci submit {hashlib.sha256(token.encode()).hexdigest()}"
    assert file.read_text() == f"# ours\n\n{line}\n"
    assert line in answer.err
    assert mode(file) & 0o007 == 0
    assert bare("token", "list", "--file", file).out.splitlines()[1].split()[:2] == ["ci", "submit"]
    assert bare("token", "new", "ci", "--role", "view", "--file", file).code == 4
    assert bare("token", "revoke", "ci", "--file", file).out == "ci is revoked\n"
    assert file.read_text() == "# ours\n\n"
    assert bare("token", "revoke", "ci", "--file", file).code == 3
    told = bare("token", "new", "dash", "--role", "admin", "--json").json
    assert told["line"] == f"dash admin {hashlib.sha256(told['token'].encode()).hexdigest()}"


@pytest.mark.parametrize(
    ("words", "told", "code"),
    [
        (["new", "bad name", "--role", "view"], "no name of a token", 2),
        (["new", "x", "--role", "king"], "no role", 2),
        (["new", "x"], "--role", 2),
        (["list"], "--file", 2),
        (["list", "--file", "{folder}/none"], "makes it", 3),
        (["revoke", "x", "--file", "{folder}/none"], "makes it", 3),
        (["list", "--file", "{folder}"], "cannot be read", 2),
        (["list", "--file", "{folder}/broken"], "line 2", 2),
        (["new", "x", "--role", "view", "--file", "/proc/none/tokens"], "/proc/none", 2),
    ],
)
def test_tokens_that_are_not_right(bare: Shell, tmp_path: Path, words: list[str], told: str, code: int) -> None:
    (tmp_path / "broken").write_text("# fine\nnonsense\n")
    answer = bare("token", *(word.format(folder=tmp_path) for word in words))
    assert (answer.code, answer.out) == (code, "")
    assert told in answer.err


def test_copies_that_change_the_same_files_at_once_lose_nothing(bare: Shell, tmp_path: Path) -> None:
    program = (
        "import sys; from trafficjobs.cli.app import run\n"
        "for n in range(8):\n"
        "    assert run(['token', 'new', f'{sys.argv[1]}-{n}', '--role', 'view', '--file', sys.argv[2]]) == 0\n"
        "    assert run(['profile', 'set', f'{sys.argv[1]}-{n}', '--url', 'http://x', '--token', 'tj_x']) == 0\n"
    )
    file = tmp_path / "tokens"
    copies = [
        subprocess.Popen([sys.executable, "-c", program, name, str(file)], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=-1)
        for name in "ab"
    ]
    for copy in copies:
        _, told = copy.communicate(timeout=60)
        assert copy.returncode == 0, told.decode()
    names = {f"{name}-{n}" for name in "ab" for n in range(8)}
    assert {one["name"] for one in bare("token", "list", "--file", file, "--json").json["tokens"]} == names
    assert {one["name"] for one in bare("profile", "list", "--json").json["profiles"]} == names
