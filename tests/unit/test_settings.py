"""Settings come from the environment once; a wrong one is named with its remedy."""

import pytest

from lib.settings import Settings, SettingsError, load_settings


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
        ("LEASE_SECONDS", "nan", "finite"),
        ("JOB_TIMEOUT", "86401", "raise MAX_TIMEOUT"),
        ("MAX_TIMEOUT", "599.5", "lower JOB_TIMEOUT"),
        ("WEBHOOK_SECRET", " ", "holds no key"),
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


@pytest.mark.parametrize("value", ["inf", "-Infinity", "nan", "1e400"])
@pytest.mark.parametrize("name", [name for name, field in Settings.model_fields.items() if field.annotation is float])
def test_no_number_of_seconds_is_without_an_end(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"{name.upper()}: .*finite"):
        load_settings(**{name: value})


def test_a_secret_that_was_hidden_and_empty_is_an_unset_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lib.hidden._hidden", {"WEBHOOK_SECRET": ""})
    assert load_settings().webhook_secret is None


def test_a_run_may_take_as_long_as_a_job_may_ask_for() -> None:
    assert load_settings(job_timeout=60, max_timeout=60).job_timeout == 60
