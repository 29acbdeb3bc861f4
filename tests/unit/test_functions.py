"""The scripts that every job needs, as functions of the server: called where they are there, and never needed."""

import os
import re
import shutil
from contextlib import closing
from pathlib import Path

import pytest
import redis

import lib.scripts
from lib.functions import keep_functions, loaded
from lib.jobs import Jobs, Submission, complete
from lib.scripts import FOLDER, HOT, compose, functions_of, script_names
from lib.settings import Settings
from lib.store import Store
from lib.upkeep import Upkeep
from tests.servers import Server
from tests.waiting import until

QUEUES = ["job-queue"]


# What base.lua makes anew in each call; all else that stands outside of a function is kept from one call to the next.
OF_A_CALL = {"NOW", "NOW_US", "NOW_TEXT", "selected", "called"}


def names(jobs: Jobs) -> set[str]:
    """Of this release's functions."""
    return loaded(jobs.store) or set()


def calls(jobs: Jobs) -> tuple[int, int]:
    """Functions and scripts that the server ran so far."""
    known = jobs.store.records.info("commandstats")
    fcall, evalsha = (known.get(f"cmdstat_{name}", {"calls": 0, "failed_calls": 0}) for name in ("fcall", "evalsha"))
    return fcall["calls"] - fcall["failed_calls"], evalsha["calls"]


def work(jobs: Jobs) -> None:
    """A job from its submit to its end, and the next one by a turn."""
    first, second = (jobs.submit(Submission("x")).id for _ in range(2))
    claim = jobs.claim("c", "w", QUEUES)
    assert claim is not None
    counted, following = jobs.turn(claim, complete(b"1"), "c", "w", QUEUES)
    assert counted
    assert following is not None
    jobs.finish(following, complete(b"2"))
    assert [(jobs.get(jid).status, jobs.get(jid).result) for jid in (first, second)] == [("complete", 1), ("complete", 2)]


def test_upkeep_loads_them_and_every_step_of_a_job_is_one(jobs: Jobs) -> None:
    Upkeep(jobs).round()
    assert len(names(jobs)) == len(HOT)
    before = calls(jobs)
    work(jobs)
    functions, scripts = (after - earlier for after, earlier in zip(calls(jobs), before, strict=True))
    assert (functions, scripts) == (5, 0)


def test_each_call_has_its_own_time_and_begins_where_the_last_one_failed(jobs: Jobs) -> None:
    keep_functions(jobs.store)
    first = jobs.get(jobs.submit(Submission("x", id="first")).id)
    with pytest.raises(redis.ResponseError):
        jobs.store.run("finish")  # without words
    second = jobs.get(jobs.submit(Submission("x", id="second")).id)
    assert (first.submitted or "") < (second.submitted or "")
    assert jobs.purge("job-queue").cancelled == 2
    work(jobs)


def test_where_they_are_gone_scripts_do_the_same_until_upkeep_has_loaded_them_again(jobs: Jobs) -> None:
    upkeep = Upkeep(jobs)
    upkeep.round()
    for name in names(jobs):
        jobs.store.queues.function_delete(name)
    before = calls(jobs)
    work(jobs)
    assert calls(jobs)[0] == before[0]
    keep_functions(jobs.store)
    fresh = Jobs(jobs.settings, store=Store(jobs.settings))
    work(fresh)
    fresh.close()
    assert calls(jobs)[0] == before[0] + 5


def test_what_another_version_left_is_deleted_and_what_others_have_stays(jobs: Jobs) -> None:
    def library(name: str) -> str:
        return f"#!lua name={name}\nredis.register_function('{name}', function() return 1 end)"

    old, other = f"{functions_of(jobs.settings)}submit_old", f"trafficjobs_other_{os.getpid()}"
    rd = jobs.store.queues
    try:
        rd.function_load(library(old))
        rd.function_load(library(other))
        keep_functions(jobs.store)
        assert old not in names(jobs)
        assert rd.function_list(other)
    finally:
        rd.function_delete(other)


def test_at_full_memory_what_runs_can_end_without_them(jobs: Jobs) -> None:
    jobs.submit(Submission("x", id="runs"))
    claim = jobs.claim("c", "w", QUEUES)
    assert claim is not None
    rd = jobs.store.records
    rd.config_set("maxmemory", 1)
    try:
        keep_functions(jobs.store)
        assert not names(jobs)
        jobs.finish(claim, complete(b"1"))
    finally:
        rd.config_set("maxmemory", 0)
    assert jobs.get("runs").status == "complete"


def another_version(settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Jobs:
    """A program whose scripts differ in a word that changes nothing."""
    shutil.copytree(FOLDER, folder)
    base = folder / "parts" / "base.lua"
    base.write_text(base.read_text() + "local OTHER = 1\n")
    monkeypatch.setattr(lib.scripts, "FOLDER", folder)
    made = Jobs(settings)
    for name in script_names():
        made.store.script(name)
    monkeypatch.undo()
    return made


def test_two_versions_side_by_side_call_their_own_or_scripts(jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(another_version(jobs.settings, tmp_path / "scripts", monkeypatch)) as other:
        keep_functions(jobs.store)
        mine = names(jobs)
        for script in map(other.store.script, sorted(HOT)):  # what a newer upkeep does before it deletes
            jobs.store.queues.function_load(script.library)
        assert len(names(jobs)) == 2 * len(HOT)
        for one in (jobs, other):
            before = calls(jobs)
            work(one)
            assert calls(jobs)[0] == before[0] + 5
        keep_functions(other.store)
        assert len(names(jobs)) == len(HOT)
        assert not names(jobs) & mine
        before = calls(jobs)
        work(jobs)
        assert calls(jobs)[0] == before[0]
        work(other)
        assert calls(jobs)[0] == before[0] + 5


def test_a_function_that_is_made_in_another_way_has_another_name(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    one = compose("claim", settings)
    monkeypatch.setattr(lib.scripts, "_FUNCTION", lib.scripts._FUNCTION + "-- or so\n")
    other = compose("claim", settings)
    assert other.sha == one.sha
    assert other.function != one.function


@pytest.mark.parametrize("rule", ["-fcall", "-function", "-function|load", "-@scripting +eval +evalsha"])
def test_a_user_that_may_not_have_them_works_with_scripts(jobs: Jobs, rule: str) -> None:
    rd = jobs.store.records
    user = f"few{os.getpid()}"
    rd.execute_command("ACL", "SETUSER", user, "reset", "on", ">secret", "~*", "&*", "+@all", *rule.split())
    try:
        with closing(Jobs(jobs.settings.model_copy(update={"redis_username": user, "redis_password": "secret"}))) as few:
            before = calls(jobs)
            Upkeep(few).round()
            work(few)
            assert calls(jobs)[0] == before[0]
    finally:
        rd.execute_command("ACL", "DELUSER", user)


def test_they_outlive_a_crash_of_the_server_and_a_replica_has_them(settings: Settings, tmp_path: Path) -> None:
    binary = os.environ.get("TRAFFICJOBS_SERVER")
    options = {"appendfsync": "always", "repl-diskless-sync-delay": "0"}
    with Server(tmp_path / "one", binary, **options) as server, Server(tmp_path / "two", binary) as second:
        with closing(Jobs(settings.model_copy(update={"redis_port": server.port}))) as jobs:
            keep_functions(jobs.store)
            server.kill()
            server.start()
            assert len(names(jobs)) == len(HOT)
            work(jobs)
        with redis.Redis(port=second.port) as replica:
            replica.replicaof("127.0.0.1", server.port)
            until(lambda: replica.info("replication")["master_link_status"] == "up", 30, "a copy")
            replica.replicaof("NO", "ONE")
        with closing(Jobs(settings.model_copy(update={"redis_port": second.port}))) as promoted:
            assert len(names(promoted)) == len(HOT)
            work(promoted)
            assert calls(promoted) == (5, 0)


def test_nothing_asks_redis_or_the_clock_before_a_call_begins(jobs: Jobs) -> None:
    library = f"{functions_of(jobs.settings)}parts"
    seen = 0
    for name in script_names():
        parts, begins, _ = compose(name, jobs.settings).text.partition("do local refused = begin()")
        assert bool(begins) == ("local function begin()" in parts)
        if begins:
            # A library is refused if it calls Redis while it is loaded.
            code = parts.partition("\n")[2].replace("ARGV[1]", "'token'")
            try:
                jobs.store.queues.function_load(
                    f"#!lua name={library}\n{code}\nredis.register_function('{library}', function() end)", replace=True
                )
            except redis.ResponseError as error:
                pytest.fail(f"{name}: {error}")
            seen += 1
    assert seen > 40


@pytest.mark.parametrize("name", sorted(HOT))
def test_no_call_leaves_anything_to_the_next_one(settings: Settings, name: str) -> None:
    assert kept_changes(compose(name, settings).library) == []


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("  SEEN[1] = 2", True),
        ("  SEEN.x, other = 2, 3", True),
        ("  local other = 1; SEEN = other", True),
        ("  if x then SEEN[x] = (SEEN[x] or 0) + 1 end", True),
        ("  table.insert(SEEN, 1)", True),
        ("  local SEEN = 1", False),
        ("  if SEEN == 1 then return SEEN[1] == 2 end", False),
        ("  called.SEEN = 1", False),
    ],
)
def test_what_would_be_left_is_found(line: str, found: bool) -> None:
    library = f"local SEEN, other = {{}}\nlocal function f(x)\n{line}\nend\nredis.register_function"
    assert bool(kept_changes(library)) == found


def kept_changes(library: str) -> list[str]:
    """Lines within functions that change what stands outside of them."""
    parts = library.partition("redis.register_function")[0]
    kept: set[str] = set()
    for names_of in re.findall(r"^local (?!function)([\w, ]+)", parts, re.M):
        kept |= set(re.findall(r"\w+", names_of))
    one = "|".join(sorted(kept - OF_A_CALL))
    place = rf"(?<![\w.])(?:{one})(?:\.\w+|\[[^\]]*\])*"
    assigned = re.compile(rf"{place}(?:, *[\w.\[\]]+)* *=(?!=)|table\.(?:insert|remove|sort)\({place}[,)]")
    inside = (line for line in parts.splitlines() if line.startswith(" "))
    return [line for line in inside if assigned.search(re.sub(r"\blocal [\w, ]+=|--.*|'[^']*'", "", line))]
