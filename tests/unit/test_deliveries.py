"""Deliveries on a real server: made with the end, leased to one sender, settled once, kept with their job."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from lib.claims import complete
from lib.errors import InvalidInput, UnknownDelivery
from lib.jobs import Jobs
from lib.retries import Retry
from lib.sending import Senders
from lib.settings import Settings
from tests.receivers import Receiver
from tests.unit.telling import PUBLIC, bring_forward, end, left, log, submitted, telling
from tests.waiting import until


@pytest.fixture
def jobs(settings: Settings) -> Iterator[Jobs]:
    """A queue whose jobs may tell of their end."""
    yield from telling(settings)


# Made


def test_each_end_tells_those_who_want_to_hear_of_it(jobs: Jobs) -> None:
    targets = ({**PUBLIC, "on": ["failed"]}, PUBLIC, {**PUBLIC, "on": ["cancelled", "complete"]})
    well, badly, not_at_all = (submitted(jobs, *targets) for _ in range(3))
    jobs.cancel(not_at_all)
    end(jobs)
    end(jobs, error="no")
    told = {jid: [(each.id, each.event) for each in log(jobs, jid)] for jid in (well, badly, not_at_all)}
    assert told == {
        well: [(f"job_{well}_0_2", "complete"), (f"job_{well}_0_3", "complete")],
        badly: [(f"job_{badly}_0_1", "failed"), (f"job_{badly}_0_2", "failed")],
        not_at_all: [(f"job_{not_at_all}_0_2", "cancelled"), (f"job_{not_at_all}_0_3", "cancelled")],
    }
    assert (log(jobs, well)[0].kind, log(jobs, well)[0].owner) == ("job", well)


def test_a_retry_by_policy_is_no_end_and_another_run_is_another_one(jobs: Jobs) -> None:
    jid = submitted(jobs, PUBLIC, retry=Retry(1))
    end(jobs, error="once")
    assert log(jobs, jid) == []
    end(jobs, error="twice")
    jobs.retry(jid)
    end(jobs)
    assert [(each.id, each.event) for each in log(jobs, jid)] == [(f"job_{jid}_0_1", "failed"), (f"job_{jid}_1_1", "complete")]


def test_a_job_that_tells_nobody_costs_no_command_more(jobs: Jobs) -> None:
    calls = []
    for targets in ((), (PUBLIC,)):
        submitted(jobs, *targets)
        claim = jobs.claim("child", "worker", [jobs.settings.queue_name])
        assert claim is not None
        before = jobs.store.records.info("commandstats")
        jobs.finish(claim, complete(b"1"))
        after = jobs.store.records.info("commandstats")
        names = ("hset", "hmget", "exists", "rpush", "llen", "hget")
        calls.append(
            {
                n: after[f"cmdstat_{n}"]["calls"] - before.get(f"cmdstat_{n}", {"calls": 0})["calls"]
                for n in names
                if f"cmdstat_{n}" in after
            }
        )
    plain, telling = calls
    assert plain["hmget"] == telling["hmget"] == 1
    assert [plain.get(name, 0) for name in ("exists", "rpush", "llen")] == [1, 0, 0]  # whether a restore is under way
    assert [telling[name] - plain.get(name, 0) for name in ("hset", "exists", "rpush", "llen")] == [1, 1, 1, 1]


def test_the_last_fifty_are_kept(jobs: Jobs) -> None:
    jid = submitted(jobs, *[PUBLIC] * 5)
    for run in range(11):
        jobs.cancel(jid)
        jobs.retry(jid, run)
    kept = log(jobs, jid)
    assert (len(kept), kept[0].id, kept[-1].id) == (50, f"job_{jid}_1_1", f"job_{jid}_10_5")
    assert jobs.store.records.zcard(f"{jobs.store.prefix}deliveries.due") == 50
    jobs.cancel(jid)
    jobs.delete(jid)
    assert left(jobs) == set()


def test_a_job_whose_time_is_over_stays_until_everybody_was_told(jobs: Jobs) -> None:
    jid = submitted(jobs, PUBLIC)
    jobs.cancel(jid)
    expiry = f"{jobs.store.prefix}jobs.expiry"
    jobs.store.records.zadd(expiry, {jid: 1})
    assert jobs.store.run("expire", 10) == 0
    assert float(jobs.store.records.zscore(expiry, jid) or 0) > time.time() + 30  # type: ignore[arg-type]
    taken = jobs.take_delivery("one")
    assert taken is not None
    jobs.settle_delivery(taken, "failed", {})
    jobs.store.records.zadd(expiry, {jid: 1})
    assert jobs.store.run("expire", 10) == 1
    assert left(jobs) == set()


@pytest.mark.parametrize(
    ("targets", "field"),
    [
        ([{"webhook": "http://10.0.0.1/"}], "notify.0.webhook"),
        ([PUBLIC, {"webhook": "ftp://example.org"}], "notify.1.webhook"),
        ([{"webhook": "https://example.org/?***"}], "notify.0.webhook"),
        ([{"email": "ann@example.org"}], "notify.0.email"),
        ([{**PUBLIC, "email": "ann@example.org"}], "notify.0"),
        ([{}], "notify.0"),
        ([{**PUBLIC, "on": []}], "notify.0.on"),
        ([{**PUBLIC, "on": ["started"]}], "notify.0.on"),
        ([{**PUBLIC, "secret": "x"}], "notify.0"),
        ([PUBLIC] * 6, "notify"),
    ],
)
def test_a_wrong_target_is_refused_by_its_field(jobs: Jobs, targets: list[dict[str, Any]], field: str) -> None:
    with pytest.raises(InvalidInput) as found:
        submitted(jobs, *targets)
    assert found.value.field == field
    assert jobs.page().jobs == []


def test_without_a_secret_or_a_mail_server_the_remedy_is_told(settings: Settings) -> None:
    bare = Jobs(settings)
    with pytest.raises(InvalidInput, match="WEBHOOK_SECRET"):
        submitted(bare, PUBLIC)
    with pytest.raises(InvalidInput, match="SMTP_HOST"):
        submitted(bare, {"email": "ann@example.org"})
    mailing = Jobs(
        settings.model_copy(update={"smtp_host": "mail", "smtp_from": "a@example.org", "email_allow": ["example.org"]})
    )
    with pytest.raises(InvalidInput, match="EMAIL_ALLOW"):
        submitted(mailing, {"email": "ann@example.com"})
    with pytest.raises(InvalidInput, match=r"notify\.0\.email"):
        submitted(mailing, {"email": "ann@example.org\nBcc: all@example.org"})
    assert submitted(mailing, {"email": "ann@EXAMPLE.org"})
    for each in (bare, mailing):
        each.close()


# Leased and settled


def test_a_lease_that_ended_belongs_to_the_next_sender_and_the_first_word_is_dropped(jobs: Jobs) -> None:
    jid = submitted(jobs, PUBLIC)
    jobs.cancel(jid)
    slow = jobs.take_delivery("slow")
    assert slow is not None
    assert jobs.take_delivery("fast") is None
    bring_forward(jobs, slow.id)
    fast = jobs.take_delivery("fast")
    assert fast is not None
    assert (fast.id, fast.tries) == (slow.id, 2)
    assert not jobs.settle_delivery(slow, "failed", {"error": "late"})
    assert jobs.settle_delivery(fast, "delivered", {"status": 200})
    (after,) = log(jobs, jid)
    assert (after.state, after.next, after.attempts) == ("delivered", None, [{"status": 200}])
    assert left(jobs) == {f"delivery.{after.id}", f"job.{jid}.deliveries"}
    assert {name: number for name, number in jobs.counters().items() if "deliver" in name} == {
        "delivery_attempt|webhook": 1,
        "delivered|webhook": 1,
    }


def test_hosts_that_are_busy_are_put_off_and_hold_up_nobody(jobs: Jobs) -> None:
    for host in ("slow.example.org", "slow.example.org:8443", "slow.example.org", "fast.example.org"):
        jobs.cancel(submitted(jobs, {"webhook": f"https://{host}/"}))
    taken = [jobs.take_delivery(f"{n}", ["slow.example.org"]) for n in range(3)]
    assert [each and each.host for each in taken] == ["slow.example.org:8443", "fast.example.org", None]


def test_what_was_put_off_is_taken_as_soon_as_its_host_is_free_in_the_order_of_the_ends(jobs: Jobs) -> None:
    ids = [submitted(jobs, PUBLIC) for _ in range(5)]
    for jid in ids:
        jobs.cancel(jid)
    assert jobs.take_delivery("none", ["example.org"]) is None
    taken = [jobs.take_delivery(f"{n}") for n in range(6)]
    assert [each and each.owner for each in taken] == [*ids, None]


def test_what_is_to_wait_is_not_taken_before_its_time(jobs: Jobs) -> None:
    jid = submitted(jobs, PUBLIC)
    jobs.cancel(jid)
    taken = jobs.take_delivery("one")
    assert taken is not None
    jobs.settle_delivery(taken, "pending", {"status": 500}, 0.5)
    assert jobs.take_delivery("two") is None
    until(lambda: jobs.take_delivery("three"), 5, "its time")


def test_a_host_is_sent_one_after_the_other_without_a_pause(jobs: Jobs, there: Receiver) -> None:
    for _ in range(20):
        jobs.cancel(submitted(jobs, {"webhook": there.url}))
    patient = Jobs(jobs.settings.model_copy(update={"upkeep_interval": 60.0}))
    senders = Senders(patient)
    senders.start()
    until(lambda: len(there.received) == 20, 20, "all of them")
    senders.stop()
    patient.close()


def test_what_was_deleted_meanwhile_leaves_nothing(jobs: Jobs) -> None:
    jid = submitted(jobs, PUBLIC)
    jobs.cancel(jid)
    taken = jobs.take_delivery("one")
    assert taken is not None
    jobs.delete(jid)
    assert not jobs.settle_delivery(taken, "pending", {}, 1)
    assert left(jobs) == set()


def test_sending_again_starts_anew_and_an_unknown_one_is_told(jobs: Jobs) -> None:
    jid = submitted(jobs, PUBLIC)
    jobs.cancel(jid)
    for n in range(2):
        taken = jobs.take_delivery(f"{n}")
        assert taken is not None
        assert taken.tries == 1
        jobs.settle_delivery(taken, "pending", {"status": 500}, 3_600)
        assert jobs.take_delivery("none") is None
        again = jobs.resend("job", jid, taken.id)
        assert (again.state, again.tries, len(again.attempts)) == ("pending", 0, n + 1)
    held = jobs.take_delivery("held")
    assert held is not None
    jobs.resend("job", jid, held.id)  # it is being sent: nothing is doubled
    assert jobs.take_delivery("another") is None
    with pytest.raises(UnknownDelivery):
        jobs.resend("job", jid, "job_other_0_1")


def test_twenty_attempts_are_kept(jobs: Jobs) -> None:
    jid = submitted(jobs, PUBLIC)
    jobs.cancel(jid)
    for n in range(25):
        taken = jobs.take_delivery(f"{n}")
        assert taken is not None
        jobs.settle_delivery(taken, "pending", {"n": n}, 0)
    assert [each["n"] for each in log(jobs, jid)[0].attempts] == list(range(5, 25))
