"""Where jobs come from: which traceparents are passed on, and what an origin leaves in records."""

import pytest

from lib.jobs import Jobs, Origin, Recurrence, Schedule, Submission, complete
from lib.origin import checked, trace_id

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"
HERE = Origin("r-1", PARENT)


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (PARENT, PARENT),
        (f"  {PARENT}\t", PARENT),
        (f"00-{TRACE}-{SPAN}-00", f"00-{TRACE}-{SPAN}-00"),
        (f"cc-{TRACE}-{SPAN}-01", PARENT),  # a version to come is read as far as we know it
        (f"cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like", PARENT),
        (f"cc-{TRACE}-{SPAN}-01.what-the-future-will-be-like", None),
        (f"ff-{TRACE}-{SPAN}-01", None),
        (f"{PARENT}-more", None),
        (f"{PARENT}-", None),
        (f"00-{'0' * 32}-{SPAN}-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (f"00-{TRACE.upper()}-{SPAN}-01", None),
        (f"00-{TRACE[1:]}-{SPAN}-01", None),
        (f"00-{TRACE}-{SPAN}-1", None),
        (f"00-{TRACE}-{SPAN}", None),
        (f"{PARENT},{PARENT}", None),
        (f"00-{TRACE}-{SPAN}-0٣", None),
        (f"{PARENT}\n{PARENT}", None),
        ("", None),
        (None, None),
    ],
)
def test_a_traceparent_is_passed_on_only_where_it_is_valid(header: str | None, wanted: str | None) -> None:
    assert checked(header) == wanted
    assert trace_id(wanted) == (wanted and TRACE)


def test_an_origin_goes_with_the_job_to_its_claim_and_stays_in_the_record(jobs: Jobs) -> None:
    accepted = jobs.submit(Submission("plot", id="one", origin=HERE))
    assert accepted.shown is not None
    record = jobs.get("one").to_dict()
    assert (record["request_id"], record["traceparent"]) == ("r-1", PARENT)
    assert accepted.shown.to_dict().items() >= {"request_id": "r-1", "traceparent": PARENT}.items()
    claim = jobs.claim("child", "worker", [jobs.settings.queue_name])
    assert claim is not None
    assert claim.origin == HERE
    assert claim.origin.logged() == {"request_id": "r-1", "trace_id": TRACE}


@pytest.mark.parametrize("trace", [f"{PARENT}\r\nX-Admin: yes", "ä", "x", f"{PARENT}\n"])
def test_a_traceparent_that_another_program_has_written_is_passed_on_only_where_it_is_valid(jobs: Jobs, trace: str) -> None:
    jobs.submit(Submission("plot", id="one", origin=HERE))
    jobs.submit_batch([Submission("plot")], id="many", origin=HERE)
    jobs.put_schedule(Schedule("s", {"operation": "plot"}, Recurrence(every=60.0), origin=HERE))
    for key in ("job.one", "batch.many", "schedule.s"):
        jobs.store.records.hset(f"{jobs.store.prefix}{key}", "traceparent", trace)
    claim = jobs.claim("child", "worker", [jobs.settings.queue_name])
    assert claim is not None
    wanted = checked(trace)
    assert wanted in (None, PARENT)  # space around it is none of it
    assert claim.id == "one"
    for origin in (claim.origin, jobs.batch("many").origin, jobs.schedule("s").origin):
        assert origin == Origin("r-1", wanted)


def test_a_job_without_an_origin_has_no_field_of_one(jobs: Jobs) -> None:
    jobs.submit(Submission("plot", id="one"))
    assert not jobs.get("one").to_dict().keys() & {"request_id", "traceparent"}
    claim = jobs.claim("child", "worker", [jobs.settings.queue_name])
    assert claim is not None
    assert claim.origin == Origin()
    kept = jobs.store.records.hkeys(f"{jobs.store.prefix}job.one")
    assert not {b"request_id", b"traceparent"} & set(kept)


def test_the_same_job_sent_by_another_request_is_the_same_job(jobs: Jobs) -> None:
    jobs.submit(Submission("plot", id="one", origin=HERE))
    assert jobs.submit(Submission("plot", id="one", origin=Origin("r-2"))).replayed
    assert jobs.get("one").request_id == "r-1"


def test_jobs_of_a_batch_and_the_batch_have_its_origin(jobs: Jobs) -> None:
    batch, _ = jobs.submit_batch([Submission("plot", id="one")], id="many", origin=HERE)
    assert batch.to_dict().items() >= HERE.fields().items()
    assert jobs.get("one").request_id == "r-1"
    assert jobs.submit_batch([Submission("plot", id="one")], id="many", origin=Origin("r-2"))[1]
    assert not jobs.submit_batch([Submission("plot", id="two")])[0].to_dict().keys() & {"request_id", "traceparent"}


def test_what_a_schedule_fires_comes_from_who_made_it_and_what_is_triggered_from_who_did(jobs: Jobs) -> None:
    made = jobs.put_schedule(Schedule("s", {"operation": "plot"}, Recurrence(every=60.0), origin=HERE))
    assert made.origin == HERE
    assert jobs.fire(made, None, 0, made.next) == "OK"
    fired = jobs.schedule("s").last_job
    assert fired is not None
    assert (jobs.get(fired).request_id, jobs.get(fired).traceparent) == ("r-1", PARENT)
    jobs.trigger_schedule("s", "now", origin=Origin("r-2"))
    assert (jobs.get("now").request_id, jobs.get("now").traceparent) == ("r-2", None)
    again = jobs.put_schedule(Schedule("s", {"operation": "unique_issues"}, Recurrence(every=60.0)), replace=True)
    assert again.origin == Origin()


def test_an_origin_costs_no_command(jobs: Jobs) -> None:
    def within_scripts(origin: Origin) -> dict[str, int]:
        """Calls of every command, those of scripts among them, for a submit, a claim and an end."""
        before = jobs.store.records.info("commandstats")
        jobs.submit(Submission("plot", origin=origin))
        claim = jobs.claim("child", "worker", [jobs.settings.queue_name])
        assert claim is not None
        jobs.finish(claim, complete(b"1"))
        after = jobs.store.records.info("commandstats")
        return {name: after[name]["calls"] - before.get(name, {"calls": 0})["calls"] for name in after}

    within_scripts(Origin())  # the scripts are loaded
    plain, requested, traced = within_scripts(Origin()), within_scripts(Origin("r-1")), within_scripts(HERE)
    assert plain == requested
    exemplars = {name: traced[name] - plain[name] for name in traced if traced[name] != plain[name]}
    assert exemplars == {"cmdstat_hset": 2}  # of wait and run
