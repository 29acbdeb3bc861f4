"""k8s/ without Helm: applied by the commands of its README, a job runs, and the course's exercise is done in its two pods."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e import evidence
from tests.e2e.cluster import Cluster, kubectl
from tests.e2e.plain import Plain
from tests.e2e.portforward import PortForward
from tests.e2e.terminal import Terminal
from tests.e2e.waits import until
from trafficjobs import Client

IDLE = 120  # seconds, longer than any timeout on the way that nobody has asked for
AT_ONCE = 5.0  # seconds, through two terminals of a busy machine
STARTS_WITHIN = 90


@pytest.fixture(scope="module")
def plain(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Plain]:
    """Namespace, Secrets, Redis, API, workers and the scaler, by the commands of the README."""
    with Plain(cluster, tmp_path_factory.mktemp("k8s")) as plain:
        failed_before = request.session.testsfailed
        plain.run_block("create secret generic trafficjobs-redis")
        plain.run_block("create secret generic trafficjobs-tokens")
        try:
            plain.run_block("kubectl apply -f k8s/trafficjobs/")
            plain.run_block("kubectl apply -f k8s/keda/")
            yield plain
        finally:
            if request.session.testsfailed > failed_before:
                evidence.collect(plain.namespace, Path("run/e2e") / plain.namespace)


@pytest.fixture(scope="module")
def client(plain: Plain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """With a token that the README has made."""
    token = plain.secret("trafficjobs-tokens", "submit-token")
    log = tmp_path_factory.mktemp("log") / "port-forward.log"
    with (
        PortForward(plain.namespace, "svc/trafficjobs-api", 80, log) as forward,
        Client(forward.url, token, patience=90) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def course(plain: Plain) -> list[str]:
    """The two pods of the course, by the command of the README."""
    plain.run_block("kubectl apply -f k8s/course/", lines=1)
    return until(lambda: plain.pods("redis-client-debug"), lambda seen: len(seen) == 2, 120, "two pods of the course")


def test_the_api_server_takes_every_file(plain: Plain) -> None:
    # The kinds of the Prometheus Operator are not in every cluster; tests/chart holds those files against its schemas.
    files = [path for path in plain.folder.rglob("*.y*ml") if path.parent.name != "monitoring"]
    told = kubectl("apply", "--dry-run=server", *(f"--filename={path}" for path in files))
    made = sum(path.read_text().count("\nkind: ") for path in files)
    assert len(told.splitlines()) == made > 15


def test_a_job_runs(client: Client, figure: Callable[[str], None]) -> None:
    began = time.monotonic()
    assert client.submit("print", msg="Hello").result(timeout=240) == {"msg": "Hello"}
    figure(f"the first job after the commands of the README: {time.monotonic() - began:.1f} s")


def test_the_exercise_of_the_course(plain: Plain, course: list[str], client: Client, figure: Callable[[str], None]) -> None:
    first, second = (Terminal(plain.namespace, f"pod/{pod}", "ipython", container="py39") for pod in course)
    with first, second:
        for terminal in (first, second):
            terminal.expect(r"In \[1\]:", STARTS_WITHIN)
            terminal.type("e = HotQueue('exercise')")
            terminal.expect(r"In \[2\]:", 30)
        first.type("for word in ('one', 'two', 'three'): e.put('string ' + word)\r")
        first.type("print('length', len(e))")
        first.expect("length 3", 30)
        second.type("for item in e.consume(): print('consumed:', item)\r")
        for word in ("one", "two", "three"):
            second.expect(f"consumed: string {word}", 30)
        first.type("print('length', len(e))")
        first.expect("length 0", 30)

        time.sleep(IDLE)  # nothing is awaited: the silence is what is tried
        assert "Error" not in second.unread(), second.unread()
        began = time.monotonic()
        first.type("e.put('string ' + 'four'); e.put('string ' + 'five')")
        second.expect("consumed: string four", AT_ONCE)
        second.expect("consumed: string five", AT_ONCE)
        figure(
            f"after {IDLE} s of silence: two more strings from Enter to the other terminal in {time.monotonic() - began:.2f} s"
        )
        second.press("\x03")
        second.expect(r"In \[3\]:", 30)
    assert [job.record["operation"] for job in client.jobs()] == ["print"], "no pool has served the queue of the exercise"


def test_the_redis_of_the_exercise_serves_too(plain: Plain, course: list[str]) -> None:
    until(lambda: plain.pods("redis-ex"), len, 120, "the Redis of the exercise")
    put = "import hotqueue; q = hotqueue.HotQueue('exercise', host='redis-ex', db=1, socket_timeout=None); "
    told = []
    for pod, then in zip(course, ("q.put('a string')", "print(q.get(timeout=10))"), strict=True):
        told.append(kubectl("-n", plain.namespace, "exec", pod, "-c", "py39", "--", "python", "-c", put + then))
    assert told[1].strip() == "a string"
