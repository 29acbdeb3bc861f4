"""What others put on our lists: read without being run, adopted in place, or moved aside while the others run."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lib.jobs import Jobs, Submission, complete
from lib.settings import Settings
from lib.unpickle import UnreadableEntry, unpickle

QUEUES = ["job-queue"]


def push(jobs: Jobs, entry: bytes | str, name: str = "") -> None:
    """Put an entry on the list as a stranger."""
    jobs.store.queues.rpush(f"hotqueue:{jobs.settings.key_prefix}job-queue{name}", entry)


def rejected(jobs: Jobs) -> list[bytes]:
    """What was moved aside."""
    found: Any = jobs.store.queues.lrange(f"{jobs.settings.key_prefix}job-queue.rejected", 0, -1)
    return list(found)


class Bomb:
    """A pickle that would make a file if it were loaded."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, (self.path, "w"))


@pytest.mark.parametrize(
    "value",
    ["text", "", "ümlaut", 0, -7, 2**40, 1.5, True, None, [], [1, ["a", {}]], {}, {"a": {"b": [None, False]}}, {"k": "v" * 300}],
)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_values_are_read_from_every_pickle_protocol(value: Any, protocol: int) -> None:
    assert unpickle(pickle.dumps(value, protocol)) == value


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_tuples_of_any_length_are_read_as_lists(protocol: int) -> None:
    value = ((), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), {"a": ("b", ["c", ()])})
    assert unpickle(pickle.dumps(value, protocol)) == [[], [1], [1, 2], [1, 2, 3], [1, 2, 3, 4], {"a": ["b", ["c", []]]}]


def test_a_value_that_stands_twice_is_read_and_one_that_unfolds_is_refused() -> None:
    shared = ["x"]
    assert unpickle(pickle.dumps([shared, shared])) == [["x"], ["x"]]
    bomb: Any = "x"
    for _ in range(20):
        bomb = [bomb, bomb]
    with pytest.raises(UnreadableEntry, match="more than"):
        unpickle(pickle.dumps(bomb))
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(UnreadableEntry, match="nested"):
        unpickle(pickle.dumps(circle))


@pytest.mark.parametrize("value", [set(), b"bytes", 1 + 2j, Path("x"), 2**70, {1: 2}, object])
def test_anything_else_is_refused(value: Any) -> None:
    with pytest.raises(UnreadableEntry):
        unpickle(pickle.dumps(value))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b".",
        b"\x80\x04.",
        b"cos\nsystem\n(S'true'\ntR.",
        b"((((",
        b"]" * 50 + b".",
        b"N.N.",
        b"\x80\x05h\x00.",
        b"a.",
        b"I99x\n.",
    ],
)
def test_broken_and_hostile_pickles_are_refused(data: bytes) -> None:
    with pytest.raises(UnreadableEntry):
        unpickle(data)


@pytest.mark.parametrize(
    "encode", [str.encode, lambda jid: json.dumps(jid).encode(), pickle.dumps, lambda jid: pickle.dumps(jid, 0)]
)
def test_an_id_of_ours_is_known_in_every_spelling(jobs: Jobs, encode: Any) -> None:
    jid = jobs.submit(Submission("x")).id
    key = f"hotqueue:{jobs.settings.key_prefix}job-queue"
    jobs.store.queues.lset(key, 0, encode(jid))
    held = jobs.claim("a", "w", QUEUES)
    assert held is not None
    assert (held.id, held.adopted) == (jid, "")
    assert jobs.claim("b", "w", QUEUES) is None


@pytest.mark.parametrize("name", [":high", "", ":low"])
def test_a_whole_job_is_adopted_in_its_place(jobs: Jobs, name: str) -> None:
    push(jobs, pickle.dumps({"type": "plot", "params": {"date": "2024-06-01"}}), name)
    held = jobs.claim("a", "w", QUEUES)
    assert held is not None
    assert (held.operation, held.params, held.adopted) == ("plot", {"date": "2024-06-01"}, "job")
    assert jobs.get(held.id).input == {"type": "plot", "params": {"date": "2024-06-01"}}
    jobs.finish(held, complete(b"{}"))
    assert jobs.get(held.id).status == "complete"


def test_adopted_jobs_keep_the_order_of_the_list(jobs: Jobs) -> None:
    for n in range(3):
        push(jobs, json.dumps({"type": "print", "msg": str(n)}))
        jobs.submit(Submission("x", {"n": n}))
    order = [jobs.claim(f"c{n}", "w", QUEUES) for n in range(6)]
    assert [held.params.get("msg", held.params.get("n")) for held in order if held] == ["0", 0, "1", 1, "2", 2]


def test_the_courses_json_record_is_adopted_and_its_outcome_written_back(jobs: Jobs) -> None:
    record = {
        "id": "course-1",
        "status": "submitted",
        "input": {"operation": "top_locations", "params": {"n": 5}},
        "result": None,
        "x": [1],
    }
    jobs.store.records.set("course-1", json.dumps(record))
    push(jobs, pickle.dumps("course-1"))
    held = jobs.claim("a", "w", QUEUES)
    assert held is not None
    assert (held.id, held.operation, held.params) == ("course-1", "top_locations", {"n": 5})
    assert json.loads(jobs.store.records.get("course-1") or "") == record | {"status": "in-progress"}
    jobs.finish(held, complete(b'{"top_locations":{}}'))
    assert json.loads(jobs.store.records.get("course-1") or "") == record | {
        "status": "complete",
        "result": {"top_locations": {}},
    }
    jobs.store.records.delete("course-1")


@pytest.mark.parametrize("prefixed", [True, False])
def test_the_courses_hash_is_adopted_and_its_outcome_written_back(jobs: Jobs, settings: Settings, prefixed: bool) -> None:
    if not prefixed:
        jobs = Jobs(settings.model_copy(update={"key_prefix": "", "queue_name": f"q{settings.key_prefix[:-1]}"}))
    jid = f"course-{settings.key_prefix[:-1]}"
    jobs.store.records.hset(f"job.{jid}", mapping={"id": jid, "status": "submitted", "start": "2020-01-01", "end": "2020-02-01"})
    queue = jobs.settings.queue_name
    jobs.store.queues.rpush(f"hotqueue:{jobs.settings.key_prefix}{queue}", jid)
    held = jobs.claim("a", "w", [queue])
    assert held is not None
    assert (held.id, held.operation, held.params) == (jid, "describe", {"start": "2020-01-01", "end": "2020-02-01"})
    jobs.finish(held, complete(b'{"incidents":3}'))
    raw = jobs.store.records.hgetall(f"job.{jid}")
    assert (raw[b"status"], json.loads(raw[b"result"]), raw[b"start"]) == (b"complete", {"incidents": 3}, b"2020-01-01")
    jobs.store.records.delete(f"job.{jid}")


def test_a_record_of_the_course_that_cannot_be_read_fails_and_says_why(jobs: Jobs) -> None:
    jobs.store.records.set("course-2", "{'id': 'course-2'}")
    push(jobs, "course-2")
    held = jobs.claim("a", "w", QUEUES)
    assert held is not None
    assert held.operation == "unreadable"
    assert "cannot be read" in held.input["error"]
    jobs.store.records.delete("course-2")


def test_what_cannot_be_read_is_moved_aside_while_the_others_run(jobs: Jobs, tmp_path: Path) -> None:
    deep = b"[" * 5_000 + b"]" * 5_000
    hostile = [
        pickle.dumps(Bomb(tmp_path / "owned")),
        b"events",
        b"jobs",
        json.dumps(["events"]).encode(),
        b"\xff\xfe",
        b"",
        deep,
        b"no-such-job",
        b"../../etc/passwd",
        b"x" * 2_000_000,
        json.dumps({"no": "type"}).encode(),
        b"job." + b"a" * 10,
    ]
    for entry in hostile:
        push(jobs, entry)
    good = jobs.submit(Submission("x")).id
    held = jobs.claim("a", "w", QUEUES)
    assert held is not None
    assert held.id == good
    assert rejected(jobs) == hostile
    assert not (tmp_path / "owned").exists()
    assert jobs.queue("job-queue").rejected == len(hostile)
    assert jobs.counters()["rejected|job-queue"] == len(hostile)


@pytest.mark.parametrize("write", [pickle.dumps, lambda text: json.dumps(text).encode()])
@pytest.mark.parametrize("text", ["just a text", "no-such-job", "", "x" * 5_000])
def test_a_text_that_is_no_job_becomes_one_that_says_so(jobs: Jobs, write: Callable[[str], bytes], text: str) -> None:
    push(jobs, write(text))
    held = jobs.claim("a", "w", QUEUES)
    assert held is not None
    assert held.operation == "unreadable"
    assert held.input["error"].startswith(f"'{text[:100]}")
    assert len(held.input["error"]) < 300
    assert rejected(jobs) == []


def test_the_same_id_pushed_again_runs_once(jobs: Jobs) -> None:
    jid = jobs.submit(Submission("x")).id
    push(jobs, jid)
    held = jobs.claim("a", "w", QUEUES)
    assert held is not None
    assert jobs.claim("b", "w", QUEUES) is None
    jobs.finish(held, complete(b"1"))
    stats = jobs.queue("job-queue")
    assert (stats.dead, stats.depth, sum(stats.entries.values())) == (0, 0, 0)


def test_an_id_that_is_pushed_again_does_not_start_what_is_laid_aside(jobs: Jobs) -> None:
    jid = jobs.submit(Submission("x")).id
    held = jobs.claim("a", "w", QUEUES)
    assert held is not None
    jobs.set_aside(held)
    push(jobs, jid)
    assert jobs.claim("a", "w", QUEUES) is None
    assert jobs.get(jid).status == "submitted"
    assert jobs.register(QUEUES, 1, ["x"]) == 1
    again = jobs.claim("a", "w", QUEUES)
    assert again is not None
    assert (again.id, again.attempt) == (jid, 1)


def test_an_id_that_is_pushed_again_to_another_queue_is_purged_where_its_job_waits(settings: Settings) -> None:
    jobs = Jobs(settings.model_copy(update={"queues": ["second"]}))
    first, second = (jobs.submit(Submission("x", concurrency_key="k")).id for _ in range(2))
    jobs.claim("a", "w", QUEUES)
    assert jobs.claim("b", "w", QUEUES) is None  # the second one is laid aside
    third = jobs.submit(Submission("x"), queue="second").id
    for jid in (second, third):
        push(jobs, jid)
    assert jobs.purge().cancelled == 1
    assert [jobs.get(jid).status for jid in (first, second, third)] == ["in-progress", "cancelled", "submitted"]
    assert jobs.store.queues.exists(f"{settings.key_prefix}job-queue.limited") == 0
    jobs.close()


def test_of_two_that_meet_the_same_entry_one_adopts_it(jobs: Jobs) -> None:
    entry = json.dumps({"type": "print", "msg": "hi"}).encode()
    push(jobs, entry)
    key = f"hotqueue:{jobs.settings.key_prefix}job-queue"
    fields = ["v", 1, "operation", "print", "input", entry, "timeout", 1, "max_crashes", 1, "result_ttl", 9, "failed_ttl", 9]
    answers = [jobs.store.run("adopt", key, "job-queue", "normal", entry, jid, *fields) for jid in ("one", "two")]
    assert answers == [b"OK", b"MOVED"]
    assert jobs.store.run("reject", key, "job-queue", entry, "") == b"MOVED"
    assert [job.id for job in jobs.page().jobs] == ["one"]


@pytest.mark.parametrize("missing", ["operation", "seq", "ready", "priority"])
def test_a_record_of_ours_that_somebody_damaged_neither_stops_a_claim_nor_is_lost(jobs: Jobs, missing: str) -> None:
    damaged, good = jobs.submit(Submission("x")).id, jobs.submit(Submission("x")).id
    jobs.store.records.hdel(f"{jobs.settings.key_prefix}job.{damaged}", missing)
    held = jobs.claim("a", "w", QUEUES)
    assert held is not None
    assert held.id == good
    assert rejected(jobs) == [damaged.encode()]
