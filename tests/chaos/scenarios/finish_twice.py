"""Guard: finish of a token that ended its job answers as it did before. Needed when its reply was lost and it is sent again."""

from tests.chaos.scenarios.stage import Child, Cut, Stage, play

CUT = Cut(
    "lib/scripts/parts/finishing.lua",
    "if job and job.ended_token == token then",
    "if false then",
    turns="wrong-answer",
)


def drive(stage: Stage) -> None:
    """The reply of a finish is lost; the child must hear that its result counts."""
    stage.submit("once")
    child = Child(stage, "deaf", stage.proxied("finish"))
    child.run(child.must_claim())


if __name__ == "__main__":
    play(drive, CUT)
