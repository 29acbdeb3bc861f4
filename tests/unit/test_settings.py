"""Settings come from the environment once; a wrong one is named with its remedy."""

import pytest

from lib.settings import SettingsError, load_settings


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("REDIS_PORT", "tcp://10.96.0.1:6379", "enableServiceLinks"),
        ("REDIS_PORT", "70000", "less than or equal"),
        ("PORT", "abc", "valid integer"),
        ("QUEUE_NAME", "jobs", "name of a key of ours"),
        ("QUEUE_NAME", "a b", "letters"),
        ("QUEUES", "ok,not ok", "letters"),
        ("WORKER_QUEUES", "nowhere", "nowhere"),
        ("KEY_PREFIX", "a'b", "may hold"),
        ("TIMEZONE", "Austin", "IANA"),
        ("DURABILITY", "maybe", "everysec"),
        ("LEASE_SECONDS", "0", "greater than"),
        ("LEASE_SECONDS", "nan", "greater than"),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, says: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as refusal:
        load_settings()
    assert says in str(refusal.value)
    assert variable in str(refusal.value) or "queue" in str(refusal.value).lower()


def test_names_of_the_course_and_lists_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_HOST", "redis.example")
    monkeypatch.setenv("QUEUES", "slow, fast")
    monkeypatch.setenv("ADOPT_QUEUES", "job_queue")
    monkeypatch.setenv("REDIS_PASSWORD", "secret")
    settings = load_settings()
    assert settings.redis_ip == "redis.example"
    assert settings.own_queues == ["job-queue", "slow", "fast"]
    assert settings.served_queues == ["job-queue", "slow", "fast", "job_queue"]
    assert "secret" not in repr(settings)


@pytest.mark.parametrize(
    "url", ["http://app:marked@h:1/0", "redis://app:marked@h:x/0", "redis://app:mar#ked@h/0", "redis://[::1"]
)
def test_a_url_of_redis_that_is_none_is_refused_without_its_password(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    with pytest.raises(SettingsError, match=r"REDIS_URL: is no redis://.* %2F") as refusal:
        load_settings()
    assert "mar" not in str(refusal.value)


def test_a_url_of_redis_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    for url in ("redis://h", "rediss://app:mar%23ked@h:1/0?ssl_cert_reqs=none", "unix:///run/redis.sock?db=1"):
        monkeypatch.setenv("REDIS_URL", url)
        assert load_settings().redis_url == url


def test_an_empty_variable_is_an_unset_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_PORT", "")
    monkeypatch.setenv("QUEUES", "")
    assert (load_settings().redis_port, load_settings().queues) == (6379, [])


def test_a_blank_secret_of_webhooks_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBHOOK_SECRET", " ")
    assert load_settings().webhook_secret is None
