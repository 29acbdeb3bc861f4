"""Guard: claim answers with what this child holds already. Needed when its reply was lost and it is sent again."""

from tests.chaos.scenarios.stage import Child, Cut, Stage, play

CUT = Cut(
    "lib/scripts/parts/claiming.lua",
    "  local held = resume_claim(child, token)\n",
    "  local held = nil\n",
    turns="reaped-without-cause",
)


def drive(stage: Stage) -> None:
    """The reply of a claim is lost; what it gave out must not lie claimed and unknown."""
    jids = [stage.submit(name) for name in ("first", "second")]
    child = Child(stage, "deaf", stage.proxied("claim"))
    while (claim := child.claim()) is not None:
        child.run(claim)
    for jid in jids:
        if stage.status(jid) == "in-progress":
            stage.reaped(jid)
    stage.run_what_waits()


if __name__ == "__main__":
    play(drive, CUT)
