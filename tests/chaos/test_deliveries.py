"""Webhooks while upkeep dies, hangs on a receiver, runs twice, or has no memory left: nobody stays untold."""

import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from lib.claims import complete
from lib.errors import StoreFull
from lib.jobs import Jobs, Submission
from lib.settings import Settings, load_settings
from tests.receivers import SECRET, Receiver, receiver, status
from tests.servers import Server
from tests.service import upkeep
from tests.unit.telling import bring_forward
from tests.waiting import until


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Settings]:
    """Settings on a server of its own."""
    with Server(tmp_path / "server") as server:
        more = {"webhook_secret": SECRET, "webhook_allow": ["127.0.0.1/32"], "upkeep_interval": 0.05}
        yield load_settings(redis_ip="127.0.0.1", redis_port=server.port, **more)


@pytest.fixture
def jobs(alone: Settings) -> Iterator[Jobs]:
    made = Jobs(alone)
    yield made
    made.close()


@pytest.fixture
def upkeeps() -> Iterator["list[subprocess.Popen[bytes]]"]:
    """Processes that are killed at the end."""
    running: list[subprocess.Popen[bytes]] = []
    yield running
    for each in running:
        each.kill()
        each.wait(10)


def start(settings: Settings) -> "subprocess.Popen[bytes]":
    return upkeep(settings, webhook_secret=SECRET, webhook_allow="127.0.0.1/32")


def ended(jobs: Jobs, there: Receiver, number: int) -> list[str]:
    """Jobs that have ended and tell the receiver."""
    made = [jobs.submit(Submission("x", notify=[{"webhook": there.url}])).id for _ in range(number)]
    for jid in made:
        jobs.cancel(jid)
    return made


def states(jobs: Jobs, made: list[str]) -> Counter[str]:
    return Counter(each.state for jid in made for each in jobs.deliveries("job", jid))


def test_a_webhook_whose_sender_was_killed_in_the_middle_is_sent_by_another(
    alone: Settings, jobs: Jobs, there: Receiver, upkeeps: "list[subprocess.Popen[bytes]]"
) -> None:
    upkeeps.append(start(alone))

    def kill_it(handler: BaseHTTPRequestHandler, number: int) -> None:
        if number == 0:
            upkeeps[0].send_signal(signal.SIGKILL)
            upkeeps[0].wait(10)
        else:
            status(204)(handler, number)

    there.answer = kill_it
    (jid,) = ended(jobs, there, 1)
    until(lambda: upkeeps[0].poll() is not None, 30, "the death of upkeep")
    (delivery,) = jobs.deliveries("job", jid)
    assert (delivery.state, delivery.attempts) == ("pending", [])
    upkeeps.append(start(alone))
    bring_forward(jobs, delivery.id)  # its lease is over
    until(lambda: states(jobs, [jid])["delivered"], 30, "the delivery")
    assert [each.id for each in there.received] == [delivery.id] * 2
    assert jobs.store.records.hlen("deliveries.held") == 0


def test_two_upkeeps_tell_each_end_once(
    alone: Settings, jobs: Jobs, there: Receiver, upkeeps: "list[subprocess.Popen[bytes]]"
) -> None:
    made = ended(jobs, there, 60)
    upkeeps += [start(alone), start(alone)]
    until(lambda: states(jobs, made)["delivered"] == 60, 60, "all deliveries")
    assert Counter(each.id for each in there.received) == {f"job_{jid}_0_1": 1 for jid in made}


def test_receivers_that_hang_hold_up_neither_the_duties_nor_other_receivers(
    alone: Settings, jobs: Jobs, there: Receiver, upkeeps: "list[subprocess.Popen[bytes]]"
) -> None:
    with receiver() as slow:
        slow.answer = lambda handler, number: time.sleep(20)
        hanging = ended(jobs, slow, 6)
        upkeeps.append(start(alone))
        until(lambda: len(slow.received) == 2, 30, "the slow receiver's requests")
        later = jobs.submit(Submission("x", run_in=0.1)).id
        quick = ended(jobs, there, 5)
        until(lambda: jobs.get(later).status == "submitted", 5, "a duty of upkeep")
        until(lambda: states(jobs, quick)["delivered"] == 5, 5, "what others are told")
        assert states(jobs, hanging) == {"pending": 6}
        assert len(slow.received) == 2


def test_at_full_memory_ends_are_told(
    alone: Settings, jobs: Jobs, there: Receiver, upkeeps: "list[subprocess.Popen[bytes]]"
) -> None:
    made = [jobs.submit(Submission("x", notify=[{"webhook": there.url}])).id for _ in range(3)]
    jobs.store.records.config_set("maxmemory", int(jobs.store.records.info("memory")["used_memory"]) // 2)
    with pytest.raises(StoreFull):
        jobs.submit(Submission("x"))
    claim = jobs.claim("child", "worker", [alone.queue_name])
    assert claim is not None
    jobs.finish(claim, complete(b"1"))
    for jid in made[1:]:
        jobs.cancel(jid)
    there.answer = lambda handler, number: status(500 if number < 3 else 204)(handler, number)
    upkeeps.append(start(alone))
    until(lambda: len(there.received) == 3 and not jobs.store.records.hlen("deliveries.held"), 30, "the first attempts")
    for jid in made:
        jobs.resend("job", jid, f"job_{jid}_0_1")
    until(lambda: states(jobs, made)["delivered"] == 3, 30, "the deliveries")
    assert Counter(each.id for each in there.received) == {f"job_{jid}_0_1": 2 for jid in made}


def test_an_upkeep_that_is_told_to_stop_ends_what_it_is_sending(
    alone: Settings, jobs: Jobs, there: Receiver, upkeeps: "list[subprocess.Popen[bytes]]"
) -> None:
    upkeeps.append(start(alone))

    def stop_it(handler: BaseHTTPRequestHandler, number: int) -> None:
        upkeeps[0].terminate()
        until(lambda: not jobs.store.records.exists("upkeep.lock"), 10, "the end of the duties")
        status(204)(handler, number)

    there.answer = stop_it
    (jid,) = ended(jobs, there, 1)
    until(lambda: there.received, 30, "the webhook")
    assert upkeeps[0].wait(20) == 0
    assert states(jobs, [jid]) == {"delivered": 1}
