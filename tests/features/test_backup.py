"""A whole service is backed up over HTTP while it works, and restored on a server of another kind: every accepted job ends."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from lib.backup.restoring import restore
from lib.backup.taking import Taking
from lib.jobs import Jobs, Submission, complete
from lib.settings import Settings, load_settings
from lib.store import Store
from lib.upkeep import Upkeep
from tests.api.conftest import CSV
from tests.chaos import books
from tests.chaos.evidence import Evidence
from tests.chaos.history import History
from tests.meanwhile import Meanwhile
from tests.servers import Server
from tests.service import Service, whole_service
from tests.waiting import until
from tests.workers import ROOT, environment
from trafficjobs import Client, errors
from trafficjobs.cli.app import run

LOOKS_AGAIN = True  # restores are what these tests are about

_MOST = 2_000  # jobs of one thread that submits
OPERATIONS = Path(__file__).parent / "operations"


@contextmanager
def service_on(server: Server, folder: Path, **more: Any) -> Iterator[tuple[Service, Client]]:
    """A service on a server, and its client."""
    folder.mkdir()
    settings = load_settings(
        redis_ip="127.0.0.1",
        redis_port=server.port,
        upkeep_interval=0.1,
        lease_seconds=5.0,
        data_cache=folder / "cache",
        worker_state_dir=folder / "worker",
        data_file=folder / "absent.csv",
    )
    options = {"queues": "parked", "worker_queues": "job-queue", "operations_dir": OPERATIONS, "worker_children": 2} | more
    with whole_service(settings, folder, **options) as service, Client(service.url, patience=30) as client:
        yield service, client


def other_server(folder: Path) -> Server:
    """A Redis, which reads no dump of the newer Valkey; another Valkey where there is none."""
    return Server(folder, binary=os.environ.get("TRAFFICJOBS_SERVER") or shutil.which("redis-server"))


def fill(client: Client, folder: Path) -> None:
    """Jobs in every state."""
    client.load(_written(folder / "a.csv", CSV)).wait(60)
    client.load(_written(folder / "b.csv", CSV.replace(b"A_1", b"A_9"))).wait(60)
    done = client.submit("plot", kind="by_hour", id="with-a-picture")
    client.submit("flaky", times=9, id="broken").wait(60)
    done.wait(60)
    client.submit("gate", path=str(folder / "gate"), id="runs", seconds=300)
    client.submit("gate", path=str(folder / "gate"), id="runs-too", seconds=300)
    for n, priority in enumerate(("normal", "high", "low", "high")):
        client.submit("echo", value=n, id=f"waits-{n}", priority=priority)
    client.submit("echo", value="later", id="later", run_in=3600)
    client.submit("sum_of_parents", id="sum", depends_on=["waits-0", "waits-1"])
    client.submit("echo", value="parked", id="parked", queue="parked")
    client.submit_batch([{"operation": "echo", "params": {"value": n}, "id": f"b{n}"} for n in range(5)], id="half")
    client.create_schedule({"operation": "echo", "params": {"value": "again"}}, every=3600, id="hourly")
    until(lambda: all(client.job(jid).status == "in-progress" for jid in ("runs", "runs-too")), 30, "two running jobs")


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_service_goes_on_elsewhere_where_it_stood(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "all.backup"
    with (
        Server(tmp_path / "old", binary=os.environ.get("TRAFFICJOBS_SERVER")) as old,
        service_on(old, tmp_path / "a") as (_, client),
    ):
        fill(client, tmp_path)
        picture = client.job("with-a-picture").picture()
        before, versions = {job.id: dict(job.record) for job in client.jobs()}, [one["id"] for one in client.versions()]
        assert run(["backup", str(file), "--url", client.url]) == 0
        assert f"{file}: " in capfd.readouterr().out
    with other_server(tmp_path / "new") as new, service_on(new, tmp_path / "b") as (_, client):
        assert run(["restore", str(file), "--url", client.url]) == 0, capfd.readouterr().err
        assert f"restored {len(before)} jobs of " in capfd.readouterr().out
        assert client.job("with-a-picture").picture() == picture
        assert [one["id"] for one in client.versions()] == versions
        assert client.job("broken").record["attempts"] == before["broken"]["attempts"]
        assert [one["id"] for one in client.schedules()] == ["hourly"]
        for jid in ("later", "parked"):
            assert {**dict(client.job(jid).record), "position": 0, "eta": 0, "eta_at": 0} == {
                **before[jid], "position": 0, "eta": 0, "eta_at": 0
            }  # fmt: skip
        (tmp_path / "gate").touch()
        for jid in ("runs", "runs-too", "sum", *(f"waits-{n}" for n in range(4)), *(f"b{n}" for n in range(5))):
            assert client.job(jid).wait(60).status == "complete", jid
        runs = client.job("runs").record
        assert (runs["releases"], runs["crashes"], runs["lost"], runs["attempt"]) == (1, 0, 0, 2)
        assert client.job("sum").value() == {"waits-0": 0, "waits-1": 1}
        assert client.batch("half")["status"] == "complete"
        assert run(["restore", str(file), "--url", client.url]) == 4
        assert "not empty" in capfd.readouterr().err


def test_files_that_are_no_whole_backup_are_refused_by_client_and_service(
    face: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    face.wait(face.submit("echo", params={"value": 1}))
    file = tmp_path / "x.backup"
    size = face.client.backup(file)
    whole = file.read_bytes()
    assert (len(whole), oct(file.stat().st_mode)[-3:]) == (size, "600")
    jobs = face.client.jobs
    before = [job.id for job in jobs(limit=20)]
    for broken in (whole[:-9], whole[:200] + b"\x00" + whole[201:], b"no backup", b"Traffic Report ID\n" * 9):
        file.write_bytes(broken)
        with pytest.raises(errors.Invalid, match="backup"):
            face.client.restore(file, replace=True)
        answer = face.http.post("/restore?replace=true", content=broken)
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/unreadable-backup")
    answer = face.http.post("/restore", content=whole)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/conflict")
    assert [job.id for job in jobs(limit=20)] == before
    assert not list(tmp_path.glob(".*.partial"))


def test_the_program_beside_the_api_keeps_the_newest(settings: Settings, jobs: Jobs, tmp_path: Path) -> None:
    jobs.submit(Submission("print", id="one"))
    folder = tmp_path / "backups"
    folder.mkdir()
    for name in (
        "tj-20200101T000000Z.backup",
        "tj-20200102T000000Z.backup",
        "other.backup",
        ".tj-20200103T000000Z.backup.partial",
    ):
        (folder / name).touch()
    command = [sys.executable, "-m", "services.api.backup"]
    env = environment(settings)
    save = [*command, "save", str(folder), "--name", "tj", "--keep", "2"]
    done = subprocess.run(save, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=True)
    made = Path(done.stdout.strip())
    assert sorted(each.name for each in folder.iterdir()) == sorted(["tj-20200102T000000Z.backup", "other.backup", made.name])
    checked = subprocess.run([*command, "check", str(made)], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (checked.returncode, "is whole" in checked.stdout) == (0, True)
    refused = subprocess.run([*command, "restore", str(made)], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)
    assert (refused.returncode, "not empty" in refused.stderr) == (1, True)
    restored = subprocess.run(
        [*command, "restore", "--replace", str(made)], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60
    )
    assert "restored 1 jobs" in restored.stdout


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_restore_that_is_killed_is_finished_and_one_killed_before_it_began_changed_nothing(
    settings: Settings, jobs: Jobs, tmp_path: Path
) -> None:
    for start in range(0, 6_000, 500):
        jobs.submit_many([Submission("print", id=f"n{n}") for n in range(start, start + 500)])
    subprocess.run(
        [sys.executable, "-m", "services.api.backup", "save", str(file := tmp_path / "x.backup")],
        cwd=ROOT, env=environment(settings), capture_output=True, timeout=60, check=True,
    )  # fmt: skip
    empty = settings.model_copy(update={"key_prefix": f"empty-{settings.key_prefix}"})
    there, prefix = Jobs(empty), empty.key_prefix
    rd, queues = there.store.records, there.store.queues
    program = [sys.executable, "-m", "services.api.backup", "restore", str(file)]

    def halfway() -> bool:
        return bool(queues.exists(f"{prefix}restoring")) and bool(rd.zcard(f"{prefix}jobs"))

    for seen in (lambda: rd.zcard(f"{prefix}restore.loads"), halfway):
        process = subprocess.Popen(program, cwd=ROOT, env=environment(empty))
        until(seen, 60, "the restore")
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        if not queues.exists(f"{prefix}restoring"):
            assert there.counts()["submitted"] == 0
    assert 0 < rd.zcard(f"{prefix}jobs") < 6_000
    upkeep = Upkeep(there)
    until(upkeep.round, 60, "upkeep")
    assert there.counts()["submitted"] == 6_000
    assert queues.lrange(f"hotqueue:{prefix}job-queue", 0, -1) == [b"n%d" % n for n in range(6_000)]
    left: Any = rd.zrange(f"{prefix}restore.loads", 0, -1)
    rd.zadd(f"{prefix}restore.loads", dict.fromkeys(left, 1))  # as if they had been silent for long
    until(lambda: upkeep.round() and not rd.exists(f"{prefix}restore.loads"), 60, "the end of what was left")
    assert not list(rd.scan_iter(f"{prefix}restore.*"))
    there.close()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_backup_at_full_speed_is_of_one_moment(settings: Settings, tmp_path: Path) -> None:
    """What the events say, the records say, too, and so do the counters, of jobs that came and went meanwhile."""
    with _Load(settings) as load:
        until(lambda: len(load.accepted) > 500, 60, "load")
        certain = set(load.accepted)
        store = Store(settings, patience=10.0)
        backup = b"".join(Taking(store, "test").pieces())
        store.close()
        during = len(load.accepted) - len(certain)
    assert during > 0
    with Server(tmp_path / "new", binary=os.environ.get("TRAFFICJOBS_SERVER")) as server:
        release = settings.model_copy(update={"redis_port": server.port})
        store = Store(release, patience=10.0, gated=False)
        restore(store, [backup])
        store.close()
        history, jobs = History(release), Jobs(release)
        while (claim := jobs.claim("last", "worker", ["job-queue"])) is not None:
            jobs.finish(claim, complete(b"1"))
        jobs.bury("last", "", "released", "exit", {})
        jobs.leave("worker")
        jobs.close()
        remains = history.stop()
    assert certain <= remains.records.keys()
    assert {record["status"] for record in remains.records.values()} == {"complete"}
    assert [str(each) for each in books.check(Evidence(remains, {}, {}, [], {}, []))] == []


class _Load(Meanwhile):
    """Two who submit and two who work."""

    def __init__(self, settings: Settings) -> None:
        self.accepted: list[str] = []
        self._settings = settings
        each = [partial(loop, number) for loop in (self._submit, self._work) for number in range(2)]
        super().__init__(*each)

    def _submit(self, number: int) -> None:
        jobs, n = Jobs(self._settings), 0
        while not self.ending.is_set() and n < _MOST:
            jid = f"s{number}-{n}"
            jobs.submit(Submission("print", id=jid))
            self.accepted.append(jid)
            n += 1
        jobs.close()

    def _work(self, number: int) -> None:
        jobs = Jobs(self._settings)
        name = f"child-{number}"
        claim = jobs.claim(name, "worker", ["job-queue"])
        while not self.ending.is_set():
            if claim is None:
                claim = jobs.claim(name, "worker", ["job-queue"])
            else:
                _, claim = jobs.turn(claim, complete(b"1"), name, "worker", ["job-queue"])
        jobs.close()
