"""Where passwords and tokens stand: in Secrets, made once, and nowhere else."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from lib.signing import secrets_of
from services.api.tokens import Caller, Role, TokenFile
from tests.chart.combinations import COMBINATIONS, EVERYTHING, EXISTING_SECRETS, EXTERNAL, KEDA
from tests.chart.pods import container, environment
from tests.chart.rendering import FULL, Chart, Release, merged

PASSWORD = "a password nobody else has"
USERS = {"api", "worker", "debug", "keda", "producer", "exporter", "probe"}


def decoded(release: Release) -> list[str]:
    """Every value of every Secret."""
    return [base64.b64decode(value).decode() for secret in release.of("Secret") for value in secret["data"].values()]


def elsewhere(release: Release) -> str:
    """Everything but the data of Secrets, the notes included."""
    rest = [found | {"data": None} if found["kind"] == "Secret" else found for found in release.objects]
    return json.dumps(rest) + release.notes


@pytest.mark.parametrize("name", ["external", "everything on an external one"])
def test_a_password_given_as_a_value_stands_in_a_secret_only(chart: Chart, name: str) -> None:
    given = merged(COMBINATIONS[name], {"externalRedis": {"password": PASSWORD, "existingSecret": ""}})
    release = chart.render(given)
    assert PASSWORD in decoded(release)
    assert PASSWORD not in elsewhere(release)
    assert base64.b64encode(PASSWORD.encode()).decode() not in elsewhere(release)


def test_what_is_generated_stands_in_secrets_only(chart: Chart) -> None:
    release = chart.render(EVERYTHING)
    secrets = [value for value in decoded(release) if "\n" not in value]
    assert len(secrets) == len(USERS) + 3 + 1  # tokens, and what signs webhooks
    text = elsewhere(release)
    for secret in secrets:
        assert secret not in text
        assert hashlib.sha256(secret.encode()).hexdigest() not in text


def test_no_configmap_and_no_variable_holds_a_password(release: Release) -> None:
    for found in release.of("ConfigMap"):
        for line in found.get("data", {}).get("rules", "").splitlines():
            assert not [rule for rule in line.split()[1:] if rule[0] in "><#!" or rule == "nopass"], line
        assert "requirepass" not in found.get("data", {}).get("redis.conf", "")
    for found in release.of("Deployment"):
        for each in found["spec"]["template"]["spec"]["containers"]:
            for name, value in environment(each).items():
                assert "PASSWORD" not in name or "secretKeyRef" in value


def test_every_user_has_a_long_password_of_its_own(chart: Chart) -> None:
    data = chart.render().get("Secret", f"{FULL}-redis")["data"]
    assert data.keys() == {f"{user}-password" for user in USERS}
    passwords = {base64.b64decode(value) for value in data.values()}
    assert len(passwords) == len(USERS)
    assert all(len(password) == 40 for password in passwords)


def test_the_tokens_are_those_that_the_api_knows(chart: Chart, tmp_path: Path) -> None:
    extra = hashlib.sha256(b"of the pipeline").hexdigest()
    data = chart.render({"api": {"auth": {"extraTokens": [f"ci submit {extra}"]}}}).get("Secret", f"{FULL}-tokens")["data"]
    plain = {key: base64.b64decode(value) for key, value in data.items()}
    (tmp_path / "tokens").write_bytes(plain.pop("tokens"))
    known = TokenFile(tmp_path / "tokens")
    assert plain.keys() == {"admin-token", "submit-token", "view-token"}
    for key, token in plain.items():
        role = key.removesuffix("-token")
        assert known.find(token.decode()) == Caller(role, Role[role.upper()])
        assert len(token) == 46
    assert known.find("of the pipeline") == Caller("ci", Role.SUBMIT)
    assert known.find("") is None


def test_only_the_hashes_of_tokens_reach_the_api(chart: Chart) -> None:
    api = chart.render().get("Deployment", f"{FULL}-api")
    (volume,) = [found for found in api["spec"]["template"]["spec"]["volumes"] if found["name"] == "tokens"]
    assert volume["secret"]["items"] == [{"key": "tokens", "path": "tokens"}]
    assert f"{FULL}-tokens" not in json.dumps(api["spec"]["template"]["spec"]["containers"])
    assert "tokens" not in [mount["name"] for mount in container(api, "upkeep")["volumeMounts"]]


def test_what_signs_webhooks_is_a_secret_of_the_form_that_the_programs_take(chart: Chart) -> None:
    release = chart.render({"notifications": {"webhooks": {"enabled": True}}})
    data = release.get("Secret", f"{FULL}-webhooks")["data"]
    (key,) = secrets_of(base64.b64decode(data["webhook-secret"]).decode())
    assert len(key) == 32
    for name in ("api", "upkeep"):
        given = environment(container(release.get("Deployment", f"{FULL}-api"), name))["WEBHOOK_SECRET"]
        assert given == {"secretKeyRef": {"name": f"{FULL}-webhooks", "key": "webhook-secret"}}
    assert release.find("Secret", f"{FULL}-webhooks") is not None
    assert chart.render().find("Secret", f"{FULL}-webhooks") is None


def test_secrets_of_the_user_are_taken_and_none_is_made(chart: Chart) -> None:
    release = chart.render(merged(KEDA, EXISTING_SECRETS, {"debug": {"enabled": True}, "redis": {"exporter": {"enabled": True}}}))
    assert not release.of("Secret")
    text = json.dumps(release.objects)
    assert f'"{FULL}-tokens"' not in text
    assert f'"secretName": "{FULL}-redis"' not in text


@pytest.mark.parametrize("user", ["api", "worker", "debug"])
def test_each_part_logs_in_as_its_own_user(chart: Chart, user: str) -> None:
    release = chart.render({"debug": {"enabled": True}})
    deployment = release.worker() if user == "worker" else release.get("Deployment", f"{FULL}-{user}")
    given = environment(container(deployment, user))
    assert given["REDIS_USERNAME"] == user
    assert given["REDIS_PASSWORD"] == {"secretKeyRef": {"name": f"{FULL}-redis", "key": f"{user}-password"}}


def test_another_redis_without_a_login_is_asked_without_one(chart: Chart) -> None:
    given = environment(container(chart.render(EXTERNAL).worker(), "worker"))
    assert not given.keys() & {"REDIS_USERNAME", "REDIS_PASSWORD", "REDIS_TLS", "REDIS_CA_FILE"}
    assert not [found for found in chart.render(EXTERNAL).of("Secret") if "redis" in found["metadata"]["name"]]


@pytest.mark.parametrize(
    ("auth", "expected"),
    [({}, {"TOKENS_FILE": "/run/secrets/tokens/tokens"}), ({"enabled": False}, {"AUTH": "off"})],
)
def test_sign_in_is_on_unless_it_is_turned_off(chart: Chart, auth: Any, expected: dict[str, str]) -> None:
    api = environment(container(chart.render({"api": {"auth": auth}}).get("Deployment", f"{FULL}-api"), "api"))
    assert {name: api[name] for name in ("TOKENS_FILE", "AUTH") if name in api} == expected
