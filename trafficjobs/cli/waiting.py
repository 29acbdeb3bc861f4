"""Waiting for a job with a progress bar, for `submit --wait`, `result --wait` and `load`."""

from trafficjobs.cli.output import bar, clean, note
from trafficjobs.job import Job


def ended(job: Job, timeout: float | None, lines: bool = False) -> Job:
    """The job, once it has ended; with `lines`, what it says that it does is told also where there is no bar.

    Raises: ResultTimeout, NotFound, Unavailable.
    """
    with bar() as shown:
        if shown.disable and lines:
            return _told(job, timeout)
        if shown.disable:
            return job.wait(timeout)
        task = shown.add_task(clean(str(job.record.get("operation", job.id))), total=None, note=job.status)
        for record in job.watch(timeout):
            progress = record.get("progress") or {}
            words = clean(progress.get("note") or record["status"])
            shown.update(task, completed=progress.get("done") or 0, total=progress.get("total"), note=words)
    return job


def _told(job: Job, timeout: float | None) -> Job:
    before = ""
    for record in job.watch(timeout):
        stage = str((record.get("progress") or {}).get("note") or record["status"]).partition(",")[0]
        if stage != before and not job.ended:
            note(f"job {job.id}: {stage}")
        before = stage
    return job
