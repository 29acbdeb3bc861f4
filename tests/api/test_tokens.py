"""The file of tokens as such, the limit on wrong ones, and the settings that switch sign-in on and off."""

import logging
import os
from pathlib import Path

import pytest
from flask import Flask

from lib.settings import Settings, SettingsError
from services.api import tokens
from services.api.app import create_app
from services.api.attempts import MOST_ADDRESSES, PER_MINUTE, Attempts
from services.api.auth import is_loopback, wants_sign_in
from services.api.tokens import Role, TokenFile
from tests.api.conftest import submit
from tests.api.sign_in import TOKENS, bearer
from tests.tokens import line


def test_two_changes_within_a_tick_of_the_clock_both_count(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    path.write_text(line("one", "view", "tj_1"))
    file = TokenFile(path)
    about = os.stat(path)
    path.write_text(line("two", "view", "tj_2"))  # as long as before
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))
    assert file.find("tj_2") is not None
    assert file.find("tj_1") is None


def test_a_mounted_secret_is_followed_through_its_links(tmp_path: Path) -> None:
    """As kubelet swaps it: ..data points to another folder, all at once."""
    for name, token in (("v1", "tj_1"), ("v2", "tj_2")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "tokens").write_text(line("one", "view", token))
    (tmp_path / "..data").symlink_to("v1")
    (tmp_path / "tokens").symlink_to("..data/tokens")
    file = TokenFile(tmp_path / "tokens")
    assert file.find("tj_1") is not None
    (tmp_path / "..data_tmp").symlink_to("v2")
    (tmp_path / "..data_tmp").rename(tmp_path / "..data")
    assert file.find("tj_1") is None
    assert file.find("tj_2") is not None


def test_a_broken_line_is_named_by_its_number_and_the_others_count(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "tokens"
    broken = ["tj_plain-secret", "x root " + "a" * 64, "x view abc", "ü view " + "a" * 64, "x view " + "a" * 65, "\udcff"]
    good = line("good", "submit", "tj_good")
    path.write_bytes(
        "".join(f"{each}\n" for each in broken).encode("utf-8", "surrogateescape") + b"\r\n# note\r\n" + good.encode()
    )
    with caplog.at_level(logging.WARNING):
        file = TokenFile(path)
    caller = file.find("tj_good")
    assert caller is not None
    assert (caller.name, caller.role) == ("good", Role.SUBMIT)
    named = [entry.getMessage() for entry in caplog.records]
    assert [f"line {n}" in message for n, message in enumerate(named, 1)] == [True] * len(broken)
    assert "secret" not in caplog.text


def test_the_file_is_looked_at_once_a_second(tokens_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "LOOK_EVERY", 1.0)
    file = TokenFile(tokens_file)
    looks = []
    monkeypatch.setattr(file, "look", lambda: looks.append(1))
    for _ in range(100):
        file.find("x")
    assert looks == []
    file._looked -= 1
    file.find("x")
    assert looks == [1]


def test_every_entry_is_compared_whatever_was_found(tokens_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = TokenFile(tokens_file)
    compared: list[bytes] = []

    def compare(known: bytes, given: bytes) -> bool:
        compared.append(known)
        return known == given

    monkeypatch.setattr("hmac.compare_digest", compare)
    counts = []
    for token in (TOKENS["view"], TOKENS["other"], "wrong"):
        compared.clear()
        file.find(token)
        counts.append(len(compared))
    assert counts == [4, 4, 4]


def test_attempts_come_back_with_time_and_stay_bounded() -> None:
    now = [0.0]
    attempts = Attempts(lambda: now[0])
    assert [attempts.failed("a") for _ in range(PER_MINUTE)] == [0] * PER_MINUTE
    wait = attempts.failed("a")
    assert 0 < wait <= 60 / PER_MINUTE + 1
    now[0] += wait
    assert attempts.failed("a") == 0
    for n in range(MOST_ADDRESSES + 50):
        attempts.failed(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}")
    assert len(attempts._used) == MOST_ADDRESSES
    assert [attempts.failed(f"2001:db8::{n:x}") for n in range(PER_MINUTE + 1)][-1] > 0  # one network


# Settings


@pytest.mark.parametrize(
    ("host", "auth", "file", "wanted"),
    [
        ("127.0.0.1", "auto", False, False),
        ("localhost", "auto", False, False),
        ("::1", "auto", False, False),
        ("127.0.0.1", "auto", True, True),
        ("0.0.0.0", "auto", True, True),
        ("0.0.0.0", "on", True, True),
        ("0.0.0.0", "off", True, False),
        ("0.0.0.0", "off", False, False),
        ("0.0.0.0", "auto", False, None),
        ("::", "auto", False, None),
        ("10.0.0.1", "auto", False, None),
        ("example.org", "auto", False, None),
        ("127.0.0.1", "on", False, None),
    ],
)
def test_sign_in_is_on_unless_only_this_machine_or_everybody_was_meant(
    settings: Settings, tokens_file: Path, host: str, auth: str, file: bool, wanted: bool | None
) -> None:
    chosen = settings.model_copy(update={"host": host, "auth": auth, "tokens_file": tokens_file if file else None})
    if wanted is None:
        with pytest.raises(SettingsError, match="TOKENS_FILE") as refusal:
            create_app(chosen)
        assert "AUTH=off" in str(refusal.value)
    else:
        assert wants_sign_in(chosen) is wanted


def test_an_open_address_is_said_in_the_log(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        app = create_app(settings.model_copy(update={"host": "0.0.0.0", "auth": "off"}))
    assert "everybody" in caplog.text
    assert app.test_client().get("/operations").status_code == 200
    assert not is_loopback("0.0.0.0")


def test_metrics_are_open_or_want_their_own_token(app: Flask, settings: Settings, tokens_file: Path) -> None:
    assert app.test_client().get("/metrics").status_code == 200
    for file in (None, tokens_file):
        guarded = create_app(settings.model_copy(update={"metrics_token": "scrape", "tokens_file": file})).test_client()
        assert guarded.get("/metrics").status_code == 401
        assert guarded.get("/metrics", headers=bearer("nope")).status_code == 401
        assert guarded.get("/metrics", headers={"Authorization": "Bearer scrape"}).status_code == 200
        assert guarded.get("/metrics", headers=bearer("view")).status_code == (200 if file else 401)
        assert guarded.get("/jobs", headers={"Authorization": "Bearer scrape"}).status_code == (401 if file else 200)


def test_without_sign_in_a_token_does_no_harm(settings: Settings) -> None:
    client = create_app(settings).test_client()
    assert client.get("/jobs", headers=bearer("wrong")).status_code == 200
    assert submit(client)
