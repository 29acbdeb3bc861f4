"""What a person finds in the shell of a debug pod: in processes of their own, on a real server that wants a login."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from lib.settings import Settings
from lib.versions import DatasetStore
from tests.servers import Server, free_port
from tests.unit.incident_files import csv_file, row, table_of, week
from tests.workers import ROOT, environment

PASSWORD = "secret of a pod"


@pytest.fixture
def pod(server: Server, settings: Settings) -> Iterator[dict[str, str]]:
    """The environment of a pod, whose user may do everything but what endangers the server."""
    rules = ["reset", "on", f">{PASSWORD}", "~*", "&*", "+@all", "-@admin", "-@dangerous", "+info", "+keys", "+sort"]
    with redis.Redis(port=server.port) as admin:
        admin.execute_command("ACL", "SETUSER", "debug", *rules)
        yield environment(settings, redis_username="debug", redis_password=PASSWORD)
        admin.execute_command("ACL", "DELUSER", "debug")


@pytest.fixture
def rows(settings: Settings, server: Server) -> int:
    """The number of incidents loaded."""
    with redis.Redis(port=server.port, db=settings.redis_db) as client:
        store = DatasetStore(client, settings)
        store.commit(store.new_version(), table_of(*week()), {})
    return len(week())


def start(pod: dict[str, str], program: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-u", "-c", f"from lib.shell import *\n{program}"]
    return subprocess.Popen(command, cwd=ROOT, env=pod, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def said(pod: dict[str, str], program: str) -> str:
    """What a program says that begins as a person would."""
    process = start(pod, program)
    output = process.communicate(timeout=60)[0]
    assert process.returncode == 0, output
    return output


def test_queue_redis_jobs_and_data_are_at_hand(pod: dict[str, str], rows: int) -> None:
    program = """
jid = jobs.add_job("2023-01-01", "2023-01-31")["id"]
print(len(q), jobs.get_job_by_id(jid)["status"], rd.exists(jobs._generate_job_key(jid)), len(df), df["hour"].max())
"""
    assert said(pod, program) == f"1 submitted 1 {rows} 17\n"


def test_a_notebook_has_the_frame_that_workers_see_any_version_and_files(pod: dict[str, str], rows: int, tmp_path: Path) -> None:
    file = tmp_path / "two.csv"
    file.write_bytes(csv_file(row("A", issue="zSTALLED VEHICLE"), row("B", latitude="0.0", longitude="0.0")))
    program = f"""
from lib import incidents
from lib.dataset import Dataset, DatasetStore
from lib.settings import load_settings
settings = load_settings()
from lib.jobs import rd
theirs, version = Dataset(DatasetStore(rd, settings), None, settings).frame()
ours = incidents.load()
print(ours.equals(theirs), incidents.load(version=version).equals(ours), len(ours))
read = incidents.load({str(file)!r})
print(*(read[name].tolist() for name in ('issue', 'status')), read.dtypes.equals(ours.dtypes), read.attrs["report"]["rows_kept"])
for wrong in (dict(version="v-none"), dict(file="/nowhere"), dict(file={str(file)!r}, version=version), dict(file=__file__)):
    try:
        incidents.load(**wrong)
    except Exception as error:
        print(type(error).__name__, error)
"""
    script = tmp_path / "notebook.py"
    script.write_text(program)
    done = subprocess.run(
        [sys.executable, script], cwd=ROOT, env=pod | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60
    )
    lines = done.stdout.splitlines()
    assert lines[:2] == [f"True True {rows}", "['Stalled Vehicle', 'Crash Urgent'] ['ARCHIVED', 'ARCHIVED'] True 2"], done.stderr
    gone, unread, both, other = lines[2:]
    assert gone.startswith("NoData version v-none of the data is not kept any more")
    assert unread == "InvalidInput file: /nowhere cannot be read: No such file or directory"
    assert both.startswith("InvalidInput version: is of data that was loaded")
    assert other.startswith("UnreadableFile data: no incidents: there is no column for published")


def test_without_data_there_is_none_and_a_line_says_why(pod: dict[str, str]) -> None:
    first, second = said(pod, "print(df)").splitlines()
    assert first.startswith("df is None: no data is loaded yet")
    assert second == "None"


def test_without_redis_the_shell_opens_all_the_same(pod: dict[str, str]) -> None:
    first, second = said(pod | {"REDIS_PORT": str(free_port())}, "print(df, q.name)").splitlines()
    assert first.startswith("df is None: Error 111 connecting to 127.0.0.1")
    assert second == "None job-queue"


def test_ipython_opens_with_them_and_says_what_there_is(pod: dict[str, str], rows: int, tmp_path: Path) -> None:
    profile = tmp_path / "profile_default"
    profile.mkdir()
    profile.joinpath("ipython_config.py").write_text((ROOT / "services/worker/ipython_config.py").read_text())
    session = subprocess.run(
        [sys.executable, "-m", "IPython", "--simple-prompt", "--no-confirm-exit"],
        input="print('session:', len(df), q.name, rd.ping(), jobs.__name__, HotQueue('exercise').key)\n",
        cwd=ROOT,
        env=pod | {"IPYTHONDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert f"df        the data: {rows} incidents" in session.stdout, session.stderr
    assert f"session: {rows} job-queue True lib.jobs hotqueue:exercise" in session.stdout


def test_a_queue_of_ones_own_joins_two_pods_at_once_and_waits_longer_than_a_command(
    pod: dict[str, str], rows: int, settings: Settings
) -> None:
    name = f"exercise-{settings.redis_port}"
    put = f"queue = HotQueue({name!r}); queue.put('one', 'two', 'three'); print(len(queue))"
    assert said(pod, put) == "3\n"
    reader = start(pod | {"REDIS_TIMEOUT": "0.2"}, f"for item in HotQueue({name!r}).consume(): print(item)")
    try:
        assert reader.stdout is not None
        assert [reader.stdout.readline() for _ in range(3)] == ["one\n", "two\n", "three\n"]
        assert said(pod, f"queue = HotQueue({name!r}, host='127.0.0.1', db=1); print(len(queue)); queue.put('four')") == "0\n"
        assert reader.stdout.readline() == "four\n"
    finally:
        reader.kill()
        reader.communicate()


def test_a_queue_that_the_service_keeps_loses_nothing_to_a_killed_reader(pod: dict[str, str], rows: int) -> None:
    program = "print(type(HotQueue('job-queue')) is type(q), type(HotQueue('other')) is type(q))"
    assert said(pod, program) == "True False\n"


def test_only_plain_data_goes_on_a_queue_and_nothing_that_others_put_there_is_run(pod: dict[str, str], rows: int) -> None:
    program = """
import hotqueue, os, pickle
queue = HotQueue("mixed")
def attempt(action):
    try:
        print(action())
    except Exception as error:
        print(type(error).__name__, error)
attempt(lambda: queue.put({1, 2}))
class Bomb:
    def __reduce__(self):
        return os.system, ("echo boom",)
HotQueue("mixed", serializer=pickle).put(Bomb(), {"still": ["read"]})
attempt(queue.get)
attempt(queue.get)
"""
    refused, unread, read = said(pod, program).splitlines()
    assert refused.startswith("InvalidInput message: must be plain data")
    assert unread.startswith("UnreadableEntry a pickle that holds more than plain data")
    assert read == "{'still': ['read']}"


def test_in_a_cluster_no_other_queue_can_be_opened(pod: dict[str, str]) -> None:
    cluster = {"REDIS_CLUSTER": f"127.0.0.1:{pod['REDIS_PORT']}", "KEY_PREFIX": "{tj}:", "QUEUE_DB": "0"}
    program = """
print(q.key)
try:
    HotQueue("exercise")
except Exception as error:
    print(error)
"""
    told = said(pod | cluster, program)
    assert "hotqueue:{tj}:job-queue\n" in told
    assert "name: 'exercise' is none of the service's queues" in told
