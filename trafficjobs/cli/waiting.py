"""Waiting for a job with a progress bar, for `submit --wait`, `result --wait` and `load`."""

from trafficjobs.cli.output import bar, clean
from trafficjobs.job import Job


def ended(job: Job, timeout: float | None) -> Job:
    """The job, once it has ended. Raises ResultTimeout, NotFound, Unavailable."""
    with bar() as shown:
        if shown.disable:
            return job.wait(timeout)
        task = shown.add_task(clean(str(job.record.get("operation", job.id))), total=None, note=job.status)
        for record in job.watch(timeout):
            progress = record.get("progress") or {}
            note = clean(progress.get("note") or record["status"])
            shown.update(task, completed=progress.get("done") or 0, total=progress.get("total"), note=note)
    return job
