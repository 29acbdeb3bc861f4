"""GET /doctor on upkeep, workers, operations and data: what may be wrong is brought about, and told with its remedy."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from lib.jobs import Jobs, Submission
from lib.operations import load_catalog
from lib.upkeep import Upkeep
from tests.api.conftest import CSV, claim, submit
from tests.api.doctor.conftest import amiss, asked, beat, only
from tests.commands import commands_sent
from tests.servers import Server
from trafficjobs import __version__

NAMES = ["server", "persistence", "eviction", "memory", "latency", "redis clock", "rights", "scripts"]
NAMES += ["upkeep", "workers", "operations", "data", "damage", "orphans"]


def test_a_healthy_service_has_nothing_amiss(healthy: FlaskClient) -> None:
    told = asked(healthy)
    assert [one for one in told["checks"] if one["status"] != "ok"] == []
    assert (told["status"], [one["check"] for one in told["checks"]]) == ("ok", NAMES)
    assert all(one["seen"] and not one["remedy"] for one in told["checks"])


def test_nothing_is_changed_and_the_cost_is_that_of_no_job(healthy: FlaskClient, queue: Jobs, own: Server) -> None:
    def everything() -> dict[bytes, bytes | None]:
        clients: Any = (queue.store.records, queue.store.queues)
        return {key: client.dump(key) for client in clients for key in client.scan_iter(count=1_000)}

    for _ in range(10):
        queue.submit(Submission("unique_issues"))
    asked(healthy)
    before = everything()
    with commands_sent(own.port) as few:
        asked(healthy)
    assert everything() == before
    for _ in range(200):
        queue.submit(Submission("unique_issues"))
    beat(queue)
    with commands_sent(own.port) as many:
        asked(healthy)
    one, other = ([command for command in sent if command != "SCAN"] for sent in (few, many))
    assert len(one) == len(other) < 300


def test_upkeep_that_never_ran_and_one_that_has_stopped_are_told(client: FlaskClient, queue: Jobs) -> None:
    assert ("upkeep", "failed") in [(name, status) for name, status, text in amiss(client) if "never seen → start the" in text]
    Upkeep(queue).round()
    queue.store.records.hset("d:upkeep.seen", "last", 1)
    assert ("upkeep", "failed") in [(name, status) for name, status, text in amiss(client) if " s ago → start the" in text]


def test_upkeep_that_falls_behind_is_told(healthy: FlaskClient, queue: Jobs) -> None:
    queue.store.records.zadd("d:jobs.expiry", {"x": 1})
    name, status, text = amiss(healthy)[0]
    assert (name, status) == ("upkeep", "warning")
    assert re.match(r"expire is \d+ s behind → look at its log", text)


def test_workers_of_another_version_broken_files_and_silence_are_told(healthy: FlaskClient, queue: Jobs) -> None:
    beat(queue, version="0.0.1", operations_broken=[{"file": "mine.py", "reason": "no torch"}])
    found = {name: (status, text) for name, status, text in amiss(healthy)}
    assert found["workers"] == (
        "warning",
        f"some are of version 0.0.1, and the API of {__version__} → roll API and workers to one version; an upgrade under way"
        " ends by itself",
    )
    assert found["operations of w"][1].startswith("mine.py: no torch → repair")
    beat(queue)
    queue.store.records.hset("d:worker.w", "beat", 1)
    assert "w was silent for" in only(healthy)[2]


def test_jobs_that_wait_without_a_worker_are_told(healthy: FlaskClient, queue: Jobs) -> None:
    queue.leave("w")
    assert amiss(healthy) == []
    queue.submit(Submission("unique_issues"))
    assert only(healthy)[2].startswith("none beats, and 1 jobs wait → start one")


def test_a_file_of_operations_that_does_not_load_is_told(healthy: FlaskClient, queue: Jobs, tmp_path: Path) -> None:
    folder = tmp_path / "operations"
    folder.mkdir()
    (folder / "mine.py").write_text("import torch_that_is_not_there\n")
    queue.catalog = load_catalog(folder)
    name, status, text = only(healthy)
    assert (name, status) == ("operations", "failed")
    assert text.startswith("mine.py: ")


def test_a_service_without_data_is_warned_of(client: FlaskClient, queue: Jobs) -> None:
    Upkeep(queue).round()
    assert only(client) == ("data", "warning", "none is loaded → trafficjobs load FILE")


def test_a_chunk_that_is_gone_short_or_about_to_go_is_told(healthy: FlaskClient, queue: Jobs) -> None:
    records: Any = queue.store.records
    (key,) = records.keys("d:data.v-*.0")
    content = records.get(key)
    records.expire(key, 100)
    assert re.search(r"its chunks expire in \d+ s → trafficjobs load FILE$", only(healthy)[2])
    records.set(key, content[:-1])
    assert f"its chunks have {len(content) - 1} bytes, and it has {len(content)}" in only(healthy)[2]
    records.delete(key)
    assert only(healthy)[1:] == ("failed", f"version {key.decode()[7:-2]}: chunk 0 of 1 is gone → trafficjobs load FILE")


def test_the_version_to_go_back_to_is_named(healthy: FlaskClient, queue: Jobs, work: Callable[[], Any]) -> None:
    before = healthy.get("/data/versions").get_json()["versions"][0]["id"]
    healthy.post("/data", data=CSV)
    work()
    current = healthy.get("/data/versions").get_json()["versions"][0]["id"]
    queue.store.records.delete(f"d:data.{current}.0")
    assert only(healthy)[2].endswith(f"→ trafficjobs data activate {before}, or trafficjobs load FILE")
    queue.store.records.delete(f"d:data.{current}", f"d:data.{before}.0")
    assert f"version {current} is current and is not there → trafficjobs data activate {before}" in amiss(healthy)[0][2]


def test_a_claim_is_not_taken_for_anything_amiss(healthy: FlaskClient, queue: Jobs) -> None:
    queue.submit(Submission("unique_issues"))
    claim(queue)
    assert amiss(healthy) == []


def test_jobs_that_lost_their_list_their_lease_or_their_time_are_counted_and_left_alone(
    healthy: FlaskClient, queue: Jobs
) -> None:
    queues: Any = queue.store.queues
    queue.submit(Submission("unique_issues"))
    claim(queue)
    queues.delete("d:job-queue.leases")
    for _ in range(2):
        queue.submit(Submission("unique_issues"))
    queues.delete("hotqueue:d:job-queue")
    queue.submit(Submission("unique_issues", run_in=1_000))
    queues.delete("d:job-queue.scheduled")
    for _ in range(2):
        assert [text.partition(" → ")[0] for name, _, text in amiss(healthy) if name == "orphans"] == [
            "2 jobs of job-queue wait and stand in no list",
            "1 jobs are in progress without a lease",
            "1 jobs are scheduled and stand in no schedule of a queue",
        ]
    assert Upkeep(queue).verify() == 4
    assert amiss(healthy) == []


def test_ids_without_a_record_are_named_with_the_key_in_which_they_stand(healthy: FlaskClient, queue: Jobs) -> None:
    queue.store.queues.zadd("d:job-queue.leases", {"gone": 9e9})
    queue.store.records.zadd("d:jobs.expiry", {"away": 9e9})
    found = [text for name, status, text in amiss(healthy) if (name, status) == ("orphans", "warning")]
    assert found[0].startswith("1 ids in d:jobs.expiry have no record, such as away → upkeep drops them")
    assert found[1].startswith("1 ids in d:job-queue.leases have no record, such as gone → ")


def test_keys_that_belong_to_nothing_and_never_expire_are_named(healthy: FlaskClient, queue: Jobs) -> None:
    records = queue.store.records
    for key in ("d:job.gone.log", "d:data.v-gone.0", "d:uploads.gone", "d:uploads.gone.0"):
        records.set(key, "x")
        assert only(healthy)[2] == f"1 keys belong to nothing and never expire, such as {key} → remove them: redis-cli UNLINK KEY"
        records.expire(key, 100)
        assert amiss(healthy) == []
        records.delete(key)
    jid = submit(healthy)
    beat(queue)
    records.set(f"d:job.{jid}.dependents", "x")
    assert amiss(healthy) == []
