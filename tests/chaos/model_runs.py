"""The model's side of children: claims, how they end, and what a supervisor says of them. Part of `tests.chaos.model`."""

from lib.states import CANCELLED, COMPLETE, IN_PROGRESS, PRIORITIES, SUBMITTED
from tests.chaos.model import LIMITED, UNSERVED, Job, Places


class Runs(Places):
    """What is asked for by those who run jobs."""

    def claim(self, child: str, queues: list[str], token: str, new_id: str) -> str:
        """`claimed <id>`, `nothing`, or an error. `new_id` is that of a job which is made of a whole one on the list."""
        if child in self.closed:
            return "ChildClosed"
        if child in self.holds:
            return "JobsError"
        for queue in queues:
            for priority in PRIORITIES:
                entries = self.lists[queue, priority, False]
                while entries and queue not in self.paused:
                    jid = self.read(entries.pop(0), queue, new_id)
                    job = self.jobs.get(jid)
                    if job is None or job.status != SUBMITTED or job.aside:
                        self._drop(jid, queue)
                    elif self._start(job, child, token):
                        return f"claimed {jid}"
        return "nothing"

    def read(self, entry: str, queue: str, new_id: str) -> str:
        """The id that an entry stands for; a whole job becomes one, and a text that is no id one that says so."""
        jid = entry.strip('"')
        if jid not in self.jobs and jid not in self.tombs and entry.startswith(("{", '"')):
            jid, operation = new_id, "x" if entry.startswith("{") else "unreadable"
            self.jobs[jid] = Job(jid, queue, operation=operation, seq=self._tick())
        return jid

    def _start(self, job: Job, child: str, token: str) -> bool:
        if job.key and any(other.status == IN_PROGRESS and other.key == job.key for other in self.jobs.values()):
            self._go(job, SUBMITTED, LIMITED)
            return False
        self._go(job, IN_PROGRESS)
        job.token, job.child, job.staged = token, child, False
        job.charges["attempt"] += 1
        self.holds[child] = job.id
        return True

    def take(self, jid: str, child: str, token: str) -> str:
        """As claim, of one job that is waiting."""
        if child in self.closed:
            return "ChildClosed"
        if child in self.holds:
            return "JobsError"
        job = self.jobs.get(jid)
        if job is None or job.status != SUBMITTED or job.aside == LIMITED:
            return "nothing"
        for held in (False, True):
            entries = self.lists[job.queue, job.priority, held]
            entries[:] = [entry for entry in entries if entry != jid]
        job.stale = 0
        return f"claimed {jid}" if self._start(job, child, token) else "nothing"

    def holder(self, jid: str, token: str) -> Job | None:
        """The job, if this token holds it."""
        job = self.jobs.get(jid)
        return job if job is not None and job.status == IN_PROGRESS and job.token == token else None

    def finish(self, jid: str, token: str, outcome: str, may_retry: bool = True) -> str:
        """`ok`, or an error. outcome: complete, exception or released."""
        job = self.holder(jid, token)
        if job is None:
            return "ok" if jid in self.jobs and self.jobs[jid].said == token else "StaleClaim"
        job.said = token
        if outcome == "complete":
            self._end(job, COMPLETE, "", token)
        elif outcome == "released":
            self._give_back(job, "stopping")
        else:
            self._fail_or_retry(job, "exception", token, may_retry)
        return "ok"

    def set_aside(self, jid: str, token: str) -> None:
        """Its holder does not know its operation."""
        job = self.holder(jid, token)
        if job is None:
            return
        job.said = token
        if job.cancel:
            return self._end(job, CANCELLED)
        self._unlease(job)
        self._go(job, SUBMITTED, UNSERVED)
        job.charges["attempt"] -= 1

    def serve(self, queue: str, operations: set[str]) -> int:
        """A worker that knows these comes: how many jobs are back."""
        back = [job for job in self._lying(queue, aside=UNSERVED) if job.operation in operations]
        for job in reversed(back):
            job.aside = ""
            self._push(job, front=True)
        return len(back)

    def beat(self, jid: str, token: str) -> str:
        """Renew a lease: HELD, CANCEL, ENDED or LOST."""
        job = self.holder(jid, token)
        if job is None:
            return "ENDED" if jid in self.jobs and self.jobs[jid].said == token else "LOST"
        job.due = False
        return "CANCEL" if job.cancel else "HELD"

    def bury(self, child: str, mark: str, verdict: str, detail: str) -> str:
        """A child is gone: `freed <id>` or `nothing`."""
        self.closed.add(child)
        jid = self.holds.get(child)
        if jid is None:
            return "nothing"
        job = self.jobs[jid]
        if mark != job.token:
            self._give_back(job, "unstarted")
        elif verdict == "crash":
            self._charge(job, "crash", "crashes", job.max_crashes, detail)
        elif verdict == "failed":
            self._fail_or_retry(job, "timeout", detail, True)
        else:
            self._give_back(job, "stopping")
        return f"freed {jid}"
