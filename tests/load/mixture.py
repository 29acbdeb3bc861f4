"""The mixed load of a soak, from threads of its own: what an hour of use does, over HTTP.

Jobs that end well, fail, write files and logs, tell a webhook, are cancelled before and while they run; streams that come and go;
pages, scrapes, results; schedules made and deleted beside one that fires every second. Whatever is answered with 5xx is noted as
a problem, but for the 503 with which streams beyond their places are refused.
"""

import random
import time
from collections import Counter, deque
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Any, Self

import requests

from tests.meanwhile import Meanwhile

PAGES = (
    "/ui",
    "/ui/jobs",
    "/ui/failures",
    "/ui/queues",
    "/ui/workers",
    "/ui/schedules",
    "/ui/batches",
    "/ui/data",
    "/ui/submit/plot",
)
# Parts of a hundred, what is submitted, and how the job is to end.
_KINDS: list[tuple[float, dict[str, Any], str]] = [
    (68, {"operation": "mixed"}, "complete"),
    (8, {"operation": "mixed", "params": {"lines": 5}}, "complete"),
    (5, {"operation": "mixed", "params": {"file_bytes": 20_000}}, "complete"),
    (5, {"operation": "mixed", "params": {"fail": True}}, "failed"),
    (2, {"operation": "mixed", "params": {"fail": True}, "retry": {"max": 1, "intervals": [0.1]}}, "failed"),
    (5, {"operation": "mixed", "notify": "webhook"}, "complete"),
    (2, {"operation": "mixed", "run_in": 1.0}, "complete"),
    (2, {"operation": "mixed", "run_in": 60.0}, "cancelled"),
    (1, {"operation": "mixed", "params": {"seconds": 30.0}}, "cancelled"),
    (1, {"operation": "top_locations", "params": {"n": 7}}, "complete"),
    (1, {"operation": "plot", "params": {"kind": "by_hour"}}, "complete"),
]


class Mixture(Meanwhile):
    """Goes on while the block runs.

    Args:
        url: of the service.
        webhook: where jobs tell of their ends.
        rate: jobs a second that are submitted, about.
        ended: ids of jobs that have ended; more than `backlog` are never under way.
    """

    def __init__(self, url: str, webhook: str, rate: float, ended: set[str], backlog: int = 400) -> None:
        self.url, self.webhook, self.rate, self.ended, self.backlog = url, webhook, rate, ended, backlog
        self.accepted: dict[str, str] = {}  # by id, how the job is to end
        self.told: set[str] = set()  # of these, those that tell a webhook
        self.done: Counter[str] = Counter()
        self.problems: list[str] = []
        self._recent: deque[str] = deque(maxlen=50)
        self._to_cancel: deque[tuple[float, str]] = deque()
        each = [self._submit, self._submit, self._cancel, self._read, self._pages, self._scrape, self._schedule]
        actions = enumerate([*each, self._stream, self._stream, self._stream])
        super().__init__(*(partial(self._run, action, number) for number, action in actions))

    def __enter__(self) -> Self:
        tick = {"id": "tick", "every": 1, "job": {"operation": "mixed"}}
        requests.post(f"{self.url}/schedules", json=tick, timeout=30).raise_for_status()
        return super().__enter__()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        super().__exit__(kind, error, trace)
        requests.delete(f"{self.url}/schedules/tick", timeout=30).raise_for_status()

    def _run(self, action: Callable[[requests.Session, random.Random], float], number: int) -> None:
        """Do it again and again, after the seconds that it says, until the end."""
        dice = random.Random(number)
        with requests.Session() as session:
            due = time.monotonic()
            while not self.ending.is_set():
                try:
                    due = max(due + action(session, dice), time.monotonic() - 1.0)
                except requests.RequestException as error:
                    self.problems.append(f"{action.__name__}: {error!r}")
                    due = time.monotonic() + 0.5
                self.ending.wait(due - time.monotonic())

    def _ask(
        self, session: requests.Session, method: str, path: str, fine: tuple[int, ...] = (), **more: Any
    ) -> requests.Response:
        answer = session.request(method, self.url + path, timeout=30, **more)
        self.done[f"{method} {path.split('/')[1].partition('?')[0]}"] += 1
        if answer.status_code >= 400 and answer.status_code not in fine:
            self.problems.append(f"{method} {path} answered {answer.status_code} {answer.text[:300]!r}")
        return answer

    def _submit(self, session: requests.Session, dice: random.Random) -> float:
        if len(self.accepted) - len(self.ended) > self.backlog:
            return 0.05
        ((_, kind, end),) = dice.choices(_KINDS, [part for part, _, _ in _KINDS])
        body = kind | ({"notify": [{"webhook": self.webhook}]} if "notify" in kind else {})
        answer = self._ask(session, "POST", "/jobs", json=body)
        if answer.status_code == 202:
            jid = str(answer.json()["id"])
            if "notify" in kind:
                self.told.add(jid)
            if end == "cancelled":
                self._to_cancel.append((time.monotonic() + dice.uniform(0.0, 1.0), jid))
            self._recent.append(jid)
            self.accepted[jid] = end
        return 2 / self.rate  # there are two of these threads

    def _cancel(self, session: requests.Session, dice: random.Random) -> float:
        for _ in range(len(self._to_cancel)):
            at, jid = self._to_cancel.popleft()
            if at > time.monotonic():
                self._to_cancel.append((at, jid))
            else:
                self._ask(session, "POST", f"/jobs/{jid}/cancel")
        return 0.1

    def cancel_the_rest(self) -> None:
        """After `stop`: nothing runs that was to be cancelled."""
        with requests.Session() as session:
            while self._to_cancel:
                self._ask(session, "POST", f"/jobs/{self._to_cancel.popleft()[1]}/cancel", fine=(409,))

    def _read(self, session: requests.Session, dice: random.Random) -> float:
        if self._recent:
            jid = dice.choice(list(self._recent))
            for path in ("", "/results", "/log", "/files/bytes.txt"):
                self._ask(session, "GET", f"/jobs/{jid}{path}", fine=(404, 409, 410))
        return 0.2

    def _pages(self, session: requests.Session, dice: random.Random) -> float:
        self._ask(session, "GET", dice.choice(PAGES), headers={"Accept": "text/html"})
        return 0.5

    def _scrape(self, session: requests.Session, dice: random.Random) -> float:
        for path in ("/metrics", "/readyz", "/healthz", "/top_locations?n=5"):
            self._ask(session, "GET", path)
        return 1.0

    def _schedule(self, session: requests.Session, dice: random.Random) -> float:
        name = f"soak-{dice.getrandbits(32)}"
        body = {"cron": "30 6 * * *", "job": {"operation": "mixed"}}
        self._ask(session, "POST", "/schedules", json=body | {"id": name})
        self._ask(session, "PUT", f"/schedules/{name}", json=body | {"cron": "0 7 * * *"})
        self._ask(session, "DELETE", f"/schedules/{name}")
        return 2.0

    def _stream(self, session: requests.Session, dice: random.Random) -> float:
        """A stream of all events, or of one job, left after a while without a goodbye."""
        path = f"/jobs/{self._recent[-1]}/events" if self._recent and dice.random() < 0.5 else "/events"
        leave = time.monotonic() + dice.uniform(0.2, 3.0)
        with requests.get(self.url + path, stream=True, timeout=20) as answer:
            if answer.status_code not in (200, 404, 503):
                self.problems.append(f"{path} answered {answer.status_code}")
            for _ in answer.iter_content(4_096) if answer.status_code == 200 else ():
                if time.monotonic() > leave or self.ending.is_set():
                    break
        self.done["stream" if answer.status_code == 200 else "stream refused"] += 1
        return 0.1
