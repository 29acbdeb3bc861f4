"""The figures of a run as Markdown, as docs/reliability.md has them."""

from collections import Counter
from dataclasses import replace

from tests.chaos.recovery import ITSELF, Recovery, by_kind, in_words, lost_and_doubled, recoveries
from tests.e2e.chaos.answers import GOOD, back_after, longest_without
from tests.e2e.chaos.nemesis import CORDONED
from tests.e2e.chaos.run import GRACE, Report
from tests.e2e.values import LEASE

# Strikes that take a run away.
DEATHS = {
    "kill-child": "SIGKILL of the process that runs it",
    "kill-nursery": "SIGKILL of the parent of those",
    "kill-container": "SIGKILL of the worker's whole container",
    "force-worker": "its pod deleted without grace",
    "delete-worker": f"its pod deleted; it would have run for longer than the grace of {GRACE} s",
    "evict-worker": f"its pod evicted, with everything else, from a node that is closed for {CORDONED:g} s",
}
# Strikes that somebody who asks the API may notice.
OUTAGES = {
    "kill-gunicorn": "SIGKILL of a process that answers",
    "kill-api": "SIGKILL of one of two containers of the API",
    "delete-api": "one of two pods of the API deleted",
    "force-api": "one of two pods of the API deleted without grace",
    "delete-redis": "the pod of Redis deleted",
    "drain-node": f"the only node drained, and open again after {CORDONED:g} s",
}
# Counters of runs that did not come to their end, and what each is called.
_AGAIN = {"crashed": "crashed", "reaped": "lost their lease", "released": "handed back", "retried": "raised and were tried again"}


def block(report: Report) -> str:
    """All of them."""
    own = replace(report.evidence, faults=report.faults)  # by their own kinds, and not by those of the checker
    back = back_after(report.answers, report.faults, frozenset(OUTAGES))
    outages = [Recovery(OUTAGES[kind], "", seconds) for kind, times in back.items() for seconds in times]
    return "\n".join(
        [
            _what_was_done(report),
            "",
            "| | |",
            "|---|---|",
            *_as_a_whole(report),
            "",
            f"From the strike to the start of the job's next run, with a lease of {LEASE} s:",
            "",
            "| strike | runs taken | median | worst |",
            "|---|---|---|---|",
            *by_kind(recoveries(own, DEATHS), [ITSELF, *DEATHS.values()]),
            "",
            "From the strike until requests through the Service were answered again for good (0 ms: nobody noticed):",
            "",
            "| strike | times | median | worst |",
            "|---|---|---|---|",
            *by_kind(outages, OUTAGES.values()),
        ]
    )


def _what_was_done(report: Report) -> str:
    records = report.evidence.remains.records
    ended = ", ".join(f"{report.numbers[status]:,} {status}" for status in ("complete", "failed", "cancelled"))
    struck = Counter(fault.kind for fault in report.faults if fault.kind != "evict-worker")
    by = ", ".join(f"{number} {kind}" for kind, number in struck.most_common())
    return (
        f"Seed {report.seed}, {(report.calm - report.began) / 60:.1f} min until all was calm: {len(records):,} jobs ({ended}; "
        f"{report.dependent} that depend on others, {len(report.lateness)} of schedules), {sum(struck.values())} strikes ({by}), "
        f"{min(report.pods, default=0)} to {max(report.pods, default=0)} workers at once:"
    )


def _as_a_whole(report: Report) -> list[str]:
    lost, doubled = lost_and_doubled(report.violations)
    again = ", ".join(f"{report.numbers.get(name, 0)} {word}" for name, word in _AGAIN.items())
    refused = sum(isinstance(each.met, int) and each.met != GOOD for each in report.answers)
    silent = sum(not isinstance(each.met, int) for each in report.answers)
    without, without_good = (in_words(longest_without(report.answers, report.began, report.calm, good)) for good in (False, True))
    return [
        f"| jobs lost | {lost} |",
        f"| jobs with two results, or a result of a run that did not hold them | {doubled} |",
        f"| other violations | {len(report.violations) - lost - doubled} |",
        f"| runs that were taken away or failed | {again} |",
        f"| containers that started again without cause | {len(report.restarts)} |",
        f"| requests of a bystander; refused with 503; without an answer | {len(report.answers):,}; {refused}; {silent} |",
        f"| longest time without an answer; with none but refusals | {without}; {without_good} |",
        f"| times of schedules; the latest job | {len(report.lateness)}; {in_words(max(report.lateness, default=0.0))} |",
        f"| from the end of the last job until no worker is left | {in_words(report.seconds_to_zero)} |",
    ]
