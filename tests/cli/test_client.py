"""The Python client against the real service."""

import ast
import datetime
import io
from pathlib import Path

import pytest

import trafficjobs
from tests.cli.conftest import CSV, PARKED
from tests.cli.fakes import answering
from tests.service import Service
from tests.workers import ROOT
from trafficjobs import (
    Client,
    Conflict,
    Invalid,
    JobCancelled,
    JobFailed,
    NotFound,
    ResultTimeout,
    TrafficjobsError,
    Unavailable,
)


def test_the_package_imports_neither_lib_nor_services() -> None:
    for path in (ROOT / "trafficjobs").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {name.partition(".")[0] for name in names} & {"lib", "services", "tests"}, path


def test_every_public_name_is_there() -> None:
    assert all(getattr(trafficjobs, name) for name in trafficjobs.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        trafficjobs.Nonsense  # noqa: B018


def test_a_result_in_one_line(client: Client) -> None:
    assert client.submit("top_locations", n=1).result(timeout=30) == {"top_locations": {"E RIVERSIDE DR & S CONGRESS AVE": 2}}


def test_parameters_may_be_dates_and_stand_in_a_mapping(client: Client) -> None:
    job = client.submit("incident_count_by_date", date=datetime.date(2023, 1, 1))
    assert job.result() == {"incident_count": 2}
    given = client.submit("together", {"names": ["x"], "flag": True}, share=0.5).result()
    assert given == {"names": ["x"], "flag": True, "share": 0.5}


def test_options_of_a_job(client: Client) -> None:
    retry = {"max": 3, "intervals": [1, 2]}
    job = client.submit("unique_issues", queue=PARKED, priority="low", run_in=99, timeout=7, retry=retry, result_ttl=60)
    assert (job.status, job.record["priority"], job.record["timeout"]) == ("scheduled", "low", 7.0)
    assert job.record["retry"] == {"max": 3, "intervals": [1.0, 2.0], "jitter": 0.1}
    assert client.submit("unique_issues", queue=PARKED, retry=2).record["retry"]["max"] == 2


def test_what_went_wrong_is_an_exception_of_its_own(client: Client) -> None:
    with pytest.raises(JobFailed, match="float division by zero") as failed:
        client.submit("divide", by=0).result()
    assert failed.value.error["type"] == "ZeroDivisionError"
    assert failed.value.error["reason"] == "exception"
    waiting = client.submit("unique_issues", queue=PARKED)
    with pytest.raises(ResultTimeout, match=f"Job {waiting.id} was still submitted after 0.05 s") as late:
        waiting.result(timeout=0.05)
    assert isinstance(late.value, TimeoutError)
    with pytest.raises(JobCancelled):
        waiting.cancel().result()
    with pytest.raises(Conflict):
        client.submit("print", msg="x").wait(20).retry()
    with pytest.raises(NotFound) as missing:
        client.job("no/such job")
    assert missing.value.status == 404
    with pytest.raises(Invalid) as wrong:
        client.submit("top_locations", n="five")
    assert (wrong.value.field, wrong.value.status, wrong.value.problem["title"]) == (
        "params.n",
        422,
        "The parameters do not fit the operation",
    )


@pytest.mark.parametrize("value", [float("nan"), object(), {1, 2}])
def test_what_json_does_not_have_is_refused_before_it_is_sent(client: Client, value: object) -> None:
    with pytest.raises(Invalid, match="cannot be written as JSON"):
        client.submit("print", msg=value)


@pytest.mark.parametrize("token", ["with space", "with\nline", "ümlaut"])
def test_a_token_that_can_be_none_is_refused(token: str) -> None:
    with pytest.raises(Invalid, match="copy it again"):
        Client("http://127.0.0.1:1", token)


def test_many_jobs_and_what_was_accepted_before_an_error(client: Client) -> None:
    jobs = client.submit_many({"operation": "print", "params": {"msg": str(n)}} for n in range(5))
    assert [job.result()["message"] if "message" in job.result() else job.result() for job in jobs]
    bodies: list[dict[str, object]] = [{"operation": "unique_issues"}, {"operation": "nonsense"}, {"operation": "print"}]
    with pytest.raises(TrafficjobsError) as found:
        client.submit_many(bodies)
    assert [job.record["operation"] for job in found.value.accepted] == ["unique_issues"]


def test_jobs_are_listed_over_pages(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trafficjobs.submitting.PAGE", 2)
    ids = [client.submit("together", names=["page"], queue=PARKED).id for _ in range(5)]
    assert [job.id for job in client.jobs(operation="together", limit=5)] == ids[::-1]
    assert [job.id for job in client.jobs(status="submitted", operation="together")][:5] == ids[::-1]
    assert list(client.jobs(since=datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1))) == []


def test_a_jobs_log_and_files(client: Client) -> None:
    job = client.submit("chatty", lines=2).wait(20)
    assert [line["line"][:6] for line in job.log()] == ["line 0", "line 1"]
    assert [line["id"] for line in job.follow_log()] == [line["id"] for line in job.log()]
    assert [(file["name"], file["content_type"], file["bytes"]) for file in job.files()] == [("table.csv", "text/csv", 8)]
    assert job.download("table.csv") == job.fetch("text/csv").content == b"a,b\n1,2\n"
    with pytest.raises(NotFound):
        job.download("../nope")
    with pytest.raises(Invalid):
        job.fetch("image/png")
    with pytest.raises(Conflict, match="no result yet"):
        client.submit("unique_issues", queue=PARKED).fetch("text/csv")
    job.delete()
    with pytest.raises(NotFound):
        job.refresh()


def test_a_job_is_watched_to_its_end(client: Client) -> None:
    for timeout in (None, 20.0):
        statuses = [record["status"] for record in client.submit("chatty").watch(timeout)]
        assert statuses[-1] == "complete"
    with pytest.raises(ResultTimeout):
        list(client.submit("unique_issues", queue=PARKED).watch(0.05))


def test_all_jobs_are_watched(service: Service, client: Client) -> None:
    before = client.submit("print", msg="before").wait(20)
    watching = client.watch(20)
    with Client(service.url) as other:
        after = other.submit("print", msg="after").wait(20)
    seen = next(record for record in watching if record["operation"] == "print")
    assert seen["id"] == after.id != before.id
    assert list(client.watch(0)) == []


def test_operations_templates_queues_and_workers(client: Client) -> None:
    names = [one["name"] for one in client.operations()]
    assert list(client.templates()) == names
    assert client.operation("top_locations")["schema"]["properties"]["n"]["default"] == 10
    assert [queue["name"] for queue in client.queues()] == ["job-queue", PARKED]
    with pytest.raises(NotFound):
        client.pause("nope")
    assert [len(worker["queues"]) for worker in client.workers()] == [1]


def test_data_is_loaded_with_progress_and_read_over_pages(client: Client, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    (tmp_path / "incidents.csv").write_bytes(CSV)
    report = client.load(tmp_path / "incidents.csv", progress=lambda sent, total: seen.append((sent, total))).result()
    assert (report["rows"], seen[-1]) == (3, (len(CSV), len(CSV)))

    class Pipe(io.BytesIO):
        """Bytes whose number nobody knows."""

        def tell(self) -> int:
            raise OSError("a pipe has no place")

    assert client.load(Pipe(CSV), mode="append").result()["rows"] == 3
    with pytest.raises(Invalid):
        client.load(io.BytesIO(CSV), mode="sideways")
    assert [row["report_id"] for row in client.data(limit=2)] == ["A_1", "A_2"]
    assert [row["report_id"] for row in client.data(search="congress")] == ["A_1", "A_3"]
    assert client.incident("A_2")["issue"]
    assert client.versions()[0]["current"]


def test_health_and_metrics(client: Client) -> None:
    health = client.health()
    assert (health["ready"], health["checks"]["redis"]["status"]) == (True, "ok")
    assert abs(health["clock_skew"]) < 2
    assert "trafficjobs_jobs_submitted_total" in client.metrics()


def test_a_service_whose_redis_is_away_is_told_and_not_raised() -> None:
    problem: dict[str, object] = {"type": "/problems/store-unavailable", "title": "x", "detail": "Redis does not answer."}
    with answering(503, problem) as url, Client(url, patience=0) as client:
        assert (client.health()["ready"], client.health()["detail"]) == (False, "Redis does not answer.")
        with pytest.raises(Unavailable, match="Redis does not answer"):
            client.queues()
