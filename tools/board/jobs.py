"""The rows Overview and Jobs."""

from typing import Any

from tools.board.panels import DONE, FAILED, OPERATION, QUEUE, Panel, ended, quantile, rate, total


def stat(title: str, unit: str, description: str, query: str, **more: Any) -> Panel:
    """One number of the first row."""
    return Panel(title, unit, description, {title: query}, width=3, height=4, kind="stat", **more)


OVERVIEW = [
    stat("Waiting", "short", "Jobs that wait and will run.", total("trafficjobs_queue_depth"), decimals=0),
    stat(
        "Oldest wait",
        "s",
        "How long the job has waited that has waited longest.",
        f"max(trafficjobs_queue_oldest_age_seconds{{@{QUEUE}}})",
        alerts=("TrafficjobsJobsWaitLong",),
        colours=((0, "text"), (600, "red")),
    ),
    stat("Running", "short", "Jobs that run now.", total("trafficjobs_queue_in_flight"), decimals=0),
    stat(
        "Workers",
        "short",
        "Workers that beat. None is right where nothing waits or runs.",
        "max(trafficjobs_workers{@})",
        alerts=("TrafficjobsQueueWithoutWorkers",),
        decimals=0,
    ),
    stat("Completed", "ops", "Jobs that ended complete, by the second.", DONE),
    stat(
        "Failed",
        "percentunit",
        "Share of the jobs that ended complete or failed; empty where none ended.",
        f"({FAILED} or vector(0)) / (({FAILED} or vector(0)) + ({DONE} or vector(0)))",
        alerts=("TrafficjobsJobsFail",),
        colours=((0, "text"), (0.02, "yellow"), (0.1, "red")),
    ),
    stat(
        "SLO budget left",
        "percentunit",
        "What is left of the jobs that may start late within 30 days. Wants the recording rules, monitoring.rules.enabled.",
        "max(trafficjobs:job_start_budget_left:ratio30d{@})",
        alerts=("TrafficjobsJobsStartLate",),
        colours=((-1000, "red"), (0, "yellow"), (0.25, "text")),
    ),
    stat(
        "API pods",
        "short",
        "Pods of the API that Prometheus reaches and that reach Redis.",
        "sum(trafficjobs_redis_up{@})",
        alerts=("TrafficjobsApiDown", "TrafficjobsRedisDown"),
        colours=((0, "red"), (1, "text")),
        decimals=0,
    ),
    Panel(
        "Waiting by queue",
        "short",
        "Jobs that wait and will run, by queue and priority.",
        {"{{queue}} {{priority}}": f"max by (queue, priority) (trafficjobs_queue_depth{{@{QUEUE}}})"},
        ("TrafficjobsQueueNearlyFull", "TrafficjobsQueueOutgrowsWorkers"),
        stack=True,
    ),
    Panel(
        "In and out",
        "ops",
        "Jobs by the second: accepted, and ended in each way.",
        {
            "submitted": f"sum({rate('trafficjobs_jobs_submitted_total', OPERATION + QUEUE, 'operation, queue')})",
            "completed": DONE,
            "failed": FAILED,
            "cancelled": ended("trafficjobs_jobs_cancelled_total"),
        },
    ),
]
JOBS = [
    Panel(
        "Wait until start",
        "s",
        "From when a job could run to its claim, over the chosen operations.",
        {f"p{q * 100:.0f}": quantile(q, "trafficjobs_job_wait_seconds") for q in (0.5, 0.95, 0.99)},
        ("TrafficjobsJobsStartLate",),
        exemplars=True,
    ),
    Panel(
        "Run",
        "s",
        "From a job's last claim to its end, by operation.",
        {f"p{q * 100:.0f} {{{{operation}}}}": quantile(q, "trafficjobs_job_run_seconds", "operation") for q in (0.5, 0.95)},
        exemplars=True,
    ),
    Panel(
        "Ended",
        "ops",
        "Jobs by the second, by how they ended; failed ones by what the last attempt died of.",
        {
            "complete": DONE,
            "failed: {{reason}}": f"sum by (reason) ({rate('trafficjobs_jobs_failed_total', OPERATION, 'operation, reason')})",
            "cancelled": ended("trafficjobs_jobs_cancelled_total"),
        },
        ("TrafficjobsJobsFail",),
        stack=True,
    ),
    Panel(
        "Lost, late and crashed",
        "ops",
        "By the second: leases that ended without a word of their worker, late results, and processes that died of a job.",
        {
            "reaped: {{reason}}": f"sum by (reason) ({rate('trafficjobs_jobs_reaped_total', OPERATION, 'operation, reason')})",
            "stale": ended("trafficjobs_jobs_stale_total"),
            "crashed: {{reason}}": f"sum by (reason) ({rate('trafficjobs_jobs_crashed_total', OPERATION, 'operation, reason')})",
        },
        ("TrafficjobsJobsReaped", "TrafficjobsStaleResults", "TrafficjobsJobsCrash"),
    ),
    Panel(
        "Oldest wait by queue",
        "s",
        "How long the job has waited that has waited longest, by queue and priority.",
        {"{{queue}} {{priority}}": f"max by (queue, priority) (trafficjobs_queue_oldest_age_seconds{{@{QUEUE}}})"},
        ("TrafficjobsJobsWaitLong",),
    ),
    Panel(
        "Not in line",
        "short",
        "Jobs that wait for their time, for a limit of concurrency, or for a worker that knows their operation; entries that"
        " could not be read.",
        {
            name: total(f"trafficjobs_queue_{metric}", "queue")
            for name, metric in {
                "scheduled": "scheduled",
                "limited": "limited",
                "laid aside": "unserved",
                "unreadable": "rejected",
            }.items()
        },
        ("TrafficjobsJobsUnserved",),
    ),
]
