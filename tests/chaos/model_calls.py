"""The model as a whole: to `model_runs` come what people ask for, from the submit to the purge, and upkeep."""

from collections import Counter

from lib.states import CANCELLED, FAILED, IN_PROGRESS, PRIORITIES, SCHEDULED, SUBMITTED, WAITING
from tests.chaos.model import LIMITED, UNSERVED, Batch, Job
from tests.chaos.model_runs import Runs


class Model(Runs):
    """The queue."""

    # Into the queue

    def submit(self, job: Job) -> str:
        """`new <id>`, `replayed <id>`, or an error."""
        known = self.idempotency.get(job.idempotency or "", job.id)
        if known in self.tombs or (known in self.jobs and self.jobs[known].body != job.body):
            return "Conflict"
        if known in self.jobs:
            return f"replayed {known}"
        if not set(job.parents) <= set(self.jobs):
            return "UnknownParent"
        if job.queue in self.draining:
            return "QueueDraining"
        if job.idempotency:
            self.idempotency[job.idempotency] = job.id
        self._accept([job])
        return f"new {job.id}"

    def submit_batch(self, name: str, jobs: list[Job]) -> str:
        """As submit."""
        if name in self.batches:
            return f"replayed {name}" if self.batches[name].body == [job.body for job in jobs] else "Conflict"
        ids = [job.id for job in jobs]
        if any(jid in self.jobs or jid in self.tombs for jid in ids):
            return "Conflict"
        if not {parent for job in jobs for parent in job.parents} <= {*self.jobs, *ids}:
            return "UnknownParent"
        if jobs[0].queue in self.draining:
            return "QueueDraining"
        self.batches[name] = Batch([job.body for job in jobs], ids)
        self._accept(jobs)
        return f"new {name}"

    def _accept(self, jobs: list[Job]) -> None:
        for job in jobs:
            job.seq = self._tick()
            self.jobs[job.id] = job
            self._go(job, WAITING if job.parents else SCHEDULED if job.delayed else SUBMITTED)
            if job.status == SUBMITTED:
                self._push(job)
        for job in jobs:
            if job.parents:
                self._depend(job)
                if not job.any_end and any(self.jobs[parent].status in (FAILED, CANCELLED) for parent in job.parents):
                    self._end(job, FAILED, "parent")
                elif not job.awaits:
                    self._set_out(job)

    # What people do

    def cancel(self, jid: str) -> str:
        """`cancelled`, `in-progress`, or an error."""
        job = self.jobs.get(jid)
        if job is None:
            return "UnknownJob"
        if job.status == IN_PROGRESS:
            job.cancel = True
            return IN_PROGRESS
        if not job.ended:
            job.stale += job.status == SUBMITTED and not job.aside
            self._end(job, CANCELLED)
        return CANCELLED if job.status == CANCELLED else "Conflict"

    def retry(self, jid: str, run: int) -> str:
        """`retried`, `again`, or an error."""
        job = self.jobs.get(jid)
        if job is None:
            return "UnknownJob"
        if len(job.runs) == run + 1:
            return "again"
        if len(job.runs) != run or job.status not in (FAILED, CANCELLED):
            return "Conflict"
        if job.queue in self.draining:
            return "QueueDraining"
        gone = [parent for parent in job.parents if parent not in self.jobs or self.jobs[parent].status in (FAILED, CANCELLED)]
        if gone and not job.any_end:
            return "Conflict"
        if job.batch in self.batches:
            self.batches[job.batch].counts[job.status] -= 1
            self.batches[job.batch].due = False
        job.runs.append(job.status)
        job.charges, job.outcomes, job.why = Counter(), {}, ("", "")
        self._depend(job)
        self._go(job, WAITING if job.awaits else SUBMITTED)
        if not job.awaits:
            self._push(job)
        return "retried"

    def _needed(self, jid: str) -> bool:
        return any(jid in job.needs for job in self.jobs.values())

    def delete(self, jid: str) -> str:
        """`deleted`, or an error."""
        if jid not in self.jobs:
            return "UnknownJob"
        if self.jobs[jid].status == IN_PROGRESS or self._needed(jid):
            return "Conflict"
        self.cancel(jid)
        self._remove(jid)
        return "deleted"

    def _remove(self, jid: str) -> None:
        job = self.jobs.pop(jid)
        if job.idempotency and self.idempotency.get(job.idempotency) == jid:
            del self.idempotency[job.idempotency]
        if job.stale:
            self.tombs[jid] = job

    def pause(self, queue: str) -> None:
        """What waits lies behind what was held before."""
        self.paused.add(queue)
        for priority in PRIORITIES:
            self.lists[queue, priority, True] += self.lists[queue, priority, False]
            self.lists[queue, priority, False].clear()

    def resume(self, queue: str) -> None:
        """What was held goes before what others have pushed since."""
        self.paused.discard(queue)
        for priority in PRIORITIES:
            self.lists[queue, priority, False][:0] = self.lists[queue, priority, True]
            self.lists[queue, priority, True].clear()

    def purge(self, queue: str, scheduled: bool, foreign: bool) -> None:
        """Cancel what waits in a queue, and drop what others have put there."""
        for held in (False, True):
            for priority in PRIORITIES:
                entries = self.lists[queue, priority, held]
                for entry in entries[:]:
                    job = self.jobs.get(entry)
                    home = job is not None and (job.queue, job.priority) == (queue, priority)
                    if job is not None and home and job.status == SUBMITTED and not job.aside:
                        self._end(job, CANCELLED)
                    elif job is not None or entry in self.tombs:
                        self._drop(entry, queue)
                    elif not foreign:
                        entries.append(entry)
                    del entries[0]
        for job in [*self._lying(queue, aside=UNSERVED), *self._lying(queue, aside=LIMITED)]:
            self._end(job, CANCELLED)
        for job in self._lying(queue, SCHEDULED) if scheduled else []:
            self._end(job, CANCELLED)

    # Upkeep

    def age(self, what: Job | Batch) -> int:
        """The time of its place is over; a number that grows from call to call."""
        what.due, number = True, self._tick()
        if isinstance(what, Job):
            what.when = number
        return number

    def round(self) -> None:
        """One round of upkeep."""
        for queue in self.queues:
            for job in self._lying(queue, IN_PROGRESS, due=True) if self.reaps else []:
                self._charge(job, "lost", "lost", self.max_lost)
            for job in self._lying(queue, SCHEDULED, due=True) if queue not in self.paused else []:
                self._go(job, SUBMITTED)
                self._push(job)
            for job in self._lying(queue, aside=UNSERVED, due=True):
                self._end(job, FAILED, "unserved")
            self._call(queue)
            if queue in self.paused:
                self.pause(queue)
        self.batches = {name: batch for name, batch in self.batches.items() if not batch.due}
        for job in [job for job in self.jobs.values() if job.ended and job.due]:
            if self._needed(job.id):
                job.due = False
            else:
                self._remove(job.id)
        for queue in self.queues:
            self._trim(queue)

    def _trim(self, queue: str) -> None:
        """Entries that are to be dropped, where they are more than a tenth of a list."""
        known = [*self.jobs.values(), *self.tombs.values()]
        dead = {name: sum(job.stale for job in known if (job.queue, job.priority) == (queue, name)) for name in PRIORITIES}
        for priority in PRIORITIES:
            for held in (False, True):
                entries = self.lists[queue, priority, held]
                if dead[priority] <= len(entries) // 10:
                    continue
                for entry in entries[:]:
                    job = self.tombs.get(entry) or self.jobs.get(entry)
                    live = entry in self.jobs and self.jobs[entry].status == SUBMITTED
                    if job is not None and job.stale and not live:
                        entries.remove(entry)
                        self._drop(entry, queue)
