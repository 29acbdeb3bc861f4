"""Guard: scripts that end, free or renew carry allow-oom. Needed when Redis is at its memory limit: without it nothing could
ever end there. Run with the name of the script as second argument."""

import sys
from functools import partial

import orjson

from lib.errors import JobsError
from lib.jobs import Claim, complete
from tests.chaos.scenarios.stage import Child, Cut, Stage, play
from tests.waiting import until

# What a script's refusal at full memory leads to.
TURNS = {
    "beat": "reaped-without-cause",
    "bury": "no-end",
    "cancel": "no-end",
    "claim": "no-end",
    "finish": "no-end",
    "promote": "no-end",
    "reap": "no-end",
    "turn": "no-end",
}
CUTS = {name: Cut(f"lib/scripts/{name}.lua", "#!lua flags=allow-oom", "#!lua", kind, lease=1.0) for name, kind in TURNS.items()}


def drive(stage: Stage, name: str) -> None:
    """The one call that needs the flag, at full memory; then memory is there again, and everything else goes on."""
    child = Child(stage, "steady")
    stage.reaps()
    jid = stage.submit("late", run_in=0.2) if name == "promote" else stage.submit("running")
    claim = child.must_claim() if name not in ("claim", "promote") else None
    if claim is not None and name != "cancel":
        child.start(claim)
    stage.fill_memory()
    try:
        _call(stage, name, child, claim, jid)
    except JobsError:
        return


def _call(stage: Stage, name: str, child: Child, claim: Claim | None, jid: str) -> None:
    """The one call, and as much as follows from its success."""
    jobs, queues = stage.jobs, [stage.settings.queue_name]
    if name == "claim":
        child.run(child.must_claim())
    elif name == "promote":
        until(lambda: jobs.store.run("promote", queues[0], 100), 5, "the due job")
        child.run(child.must_claim())
    elif name == "cancel" and claim is not None:
        jobs.cancel(jid)
        jobs.bury(child.name, claim.token, "released", "cancelled", {})
    elif name == "finish" and claim is not None:
        child.end(claim)
    elif name == "turn" and claim is not None:
        child.write("end", claim)
        jobs.turn(claim, complete(orjson.dumps({"token": claim.token})), child.name, child.worker, queues)
    elif name == "bury" and claim is not None:
        stage.fault("kill-child", child.worker)
        jobs.bury(child.name, claim.token, "crash", "crash", {"summary": "killed by SIGKILL"})
        stage.run_what_waits()
    elif name == "reap" and claim is not None:
        stage.fault("kill-supervisor", child.worker)
        until(lambda: jobs.store.run("reap", queues[0], 100, 3600)[1], 5, "the reaped job")
        stage.run_what_waits()
    elif name == "beat" and claim is not None:
        _renew(stage, child, claim)


def _renew(stage: Stage, child: Child, claim: Claim) -> None:
    """Beat and reap in turns for longer than a lease; a refused beat is tried again, as supervisors do."""
    until(lambda: _beat_and_reap(stage, child, claim), 10, "more than a lease")
    child.end(claim)
    stage.run_what_waits()


def _beat_and_reap(stage: Stage, child: Child, claim: Claim) -> bool:
    try:
        child.beat(claim)
    except JobsError:
        pass
    stage.jobs.store.run("reap", stage.settings.queue_name, 100, 3600)
    return stage.clock() > claim.started + 1.5 * stage.settings.lease_seconds


if __name__ == "__main__":
    play(partial(drive, name=sys.argv[2]), CUTS[sys.argv[2]])
