"""No secret is said: in no log, answer, metric, event, record, argument or environment, however loudly things go wrong."""

from collections.abc import Iterator

import pytest

from lib.settings import SECRETS as HIDDEN
from tests.security.guarded_service import KEY, MARKS, SECRETS, WRONG, Exercised, exercised

pytestmark = [pytest.mark.slow, pytest.mark.once, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exercised]:
    """The service, exercised once for all tests here."""
    with exercised(tmp_path_factory.mktemp("marked")) as made:
        yield made


def found(texts: dict[str, str]) -> list[str]:
    """Which secret stands where."""
    return [f"{name} in {where}" for where, text in texts.items() for name, mark in MARKS.items() if mark in text]


def test_no_program_logs_a_secret(service: Exercised) -> None:
    logs = service.logs()
    everything = "\n".join(logs.values())
    # The search is worth something only if they have talked of what has to do with secrets.
    for said in ("SIGABRT", '"debug"', "WEBHOOK_SECRET", "REDIS_URL", "127.0.0.1:9999", "audit"):
        assert said in everything, said
    assert len(logs) >= 8
    assert found(logs) == []


def test_no_answer_holds_a_secret(service: Exercised) -> None:
    assert "trafficjobs_queue_depth" in service.answers["/metrics"]
    assert "ZeroDivisionError" in "".join(service.answers.values())
    assert found(service.answers) == []


def test_redis_keeps_no_secret(service: Exercised) -> None:
    kept = {key.decode(): repr(service.store.dump(key)) for key in service.store.scan_iter("*")}
    assert len(kept) > 20
    assert found(kept) == []
    assert KEY.decode() not in "".join(kept.values())


def test_no_argument_of_a_process_is_a_secret(service: Exercised) -> None:
    processes = service.processes()
    assert len(processes) >= 5
    assert found({str(each.pid): " ".join(each.cmdline()) for each in processes}) == []


def test_jobs_and_what_they_start_are_not_given_the_services_secrets(service: Exercised) -> None:
    job = service.post("/jobs", operation="surroundings")
    by_a_worker = service.end(job["id"])["result"]
    by_the_api = service.get("/surroundings").json()
    for where, seen in (("a job", by_a_worker), ("the API", by_the_api)):
        assert len(seen["kernel"]) >= 2, where  # itself and its parent at least
        for what, text in seen.items():
            assert found({f"{what} of {where}": str(text)}) == []
        for names in (seen["own"], seen["import"]):
            assert "KEY_PREFIX" in names
            assert not names.keys() & SECRETS.keys(), where


def test_every_secret_of_the_settings_is_among_those() -> None:
    assert HIDDEN - {"REDIS_URL"} == SECRETS.keys() - {"OTEL_EXPORTER_OTLP_HEADERS"}
    assert len(set(MARKS.values())) == len(MARKS) > len(WRONG)
