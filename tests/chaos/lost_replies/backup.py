"""Backup and restore."""

from lib.backup.restoring import restore
from lib.backup.taking import Taking
from lib.jobs import Jobs
from lib.store import Store
from tests.chaos.lost_replies.registry import call, listed, running
from tests.chaos.scenarios.stage import Stage


@call
def backup_jobs(stage: Stage, deaf: Jobs) -> None:
    stage.submit("one")
    assert deaf.store.run("backup_jobs", "+inf", 10, 1000)[1][0] == b"one"


@call
def backup_some(stage: Stage, deaf: Jobs) -> None:
    assert deaf.store.run("backup_some", 1000, stage.submit("one"))[0][0] == b"one"


@call
def backup_last(stage: Stage, deaf: Jobs) -> None:
    stage.submit("one")
    assert b"".join(Taking(deaf.store, "test").pieces())


def replaced(stage: Stage, deaf: Jobs) -> None:
    """Back up the release and put the backup in its own place, while a reply is lost; the job that ran stands in front again."""
    stage.submit("two")
    child, claim = running(stage)
    backup = b"".join(Taking(stage.jobs.store, "test").pieces())
    store = Store(deaf.settings, patience=10.0, gated=False)
    assert restore(store, [backup], replace=True).jobs == 2
    store.close()
    assert not child.end(claim)
    assert listed(stage) == [b"two", b"one"]


@call
def restore_begin(stage: Stage, deaf: Jobs) -> None:
    replaced(stage, deaf)


@call
def restore_step(stage: Stage, deaf: Jobs) -> None:
    replaced(stage, deaf)
