"""What test jobs wrote outside Redis: every run of every job with its token, from the file of `operations/`."""

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

OPERATIONS = Path(__file__).parent / "operations"


@dataclass
class Run:
    """One run of a job under one token. Times are of the machine's clock, as Redis's are; None where there is no such line."""

    job: str
    token: str
    pid: int
    worker: str
    marked: float | None = None
    starts: list[float] = field(default_factory=list)
    end: float | None = None
    last: float = 0.0

    def __str__(self) -> str:
        times = ", ".join(f"{start:.3f}" for start in self.starts)
        where = f"pid {self.pid} of {self.worker}"
        return f"run under {self.token} in {where}: start {times or 'none'}, end {self.end}, last {self.last:.3f}"


class Ledger:
    """The file, read from its beginning at every call of `runs`.

    Args:
        path: made empty if it is not there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    def runs(self) -> dict[str, list[Run]]:
        """Runs by job, in the order in which they were marked or started."""
        found: dict[tuple[str, str], Run] = {}
        whole, _, _ = self.path.read_text().rpartition("\n")  # the last line may be on its way
        for line in whole.splitlines():
            at, kind, jid, token, pid, worker = line.split(" ")
            run = found.setdefault((jid, token), Run(jid, token, int(pid), worker))
            time = run.last = float(at)
            if kind == "mark":
                run.marked = time
            elif kind == "start":
                run.starts.append(time)
                run.pid, run.worker = int(pid), worker
            elif kind == "end":
                run.end = time
        by_job: dict[str, list[Run]] = defaultdict(list)
        for run in found.values():
            by_job[run.job].append(run)
        return by_job

    def started(self, jid: str, number: int = 1) -> Run | None:
        """The job's last run, once `number` of its runs have started."""
        runs = [run for run in self.runs().get(jid, []) if run.starts]
        return runs[-1] if len(runs) >= number else None
