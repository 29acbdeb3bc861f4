"""What happens to jobs, while it happens: one thread of a process reads it from Redis and hands it to all who listen.

The first listener starts that thread, after the fork; it outlives restarts of Redis and ends when nobody listens. Whoever
listens, for a stream or for the end of a job, holds a thread of the server, so only half as many may as it has threads.
"""

import logging
import socket
import threading
import time
from collections import deque
from collections.abc import Iterable
from types import TracebackType
from typing import Any

import redis
from flask import current_app

from lib.connections import connect
from lib.states import TERMINAL
from services.api import entries
from services.api.backend import ApiStore
from services.api.entries import START, Entry, Now, Place, place_of, shown

QUEUED = 5_000  # entries that may wait for one listener; beyond, it has lost the thread
GLANCE = 0.5  # seconds within which a listener sees that its client has left or the process shall stop
BLOCK = 1.0  # seconds for which one read of Redis waits; then the log of a new listener's job is read, too
_PAUSE = 0.005  # seconds between two reads: in a rush one read brings many entries, instead of each its own
_LONGEST_PAUSE = 1.0  # seconds between two tries while Redis is away
_PATIENCE = 5.0  # seconds for which a client may take nothing of what is written to it
_NAME = "trafficjobs.live"

logger = logging.getLogger("trafficjobs.api")


class NoPlace(Exception):
    """As many listen already as may, or the process is about to stop."""


class Listener:
    """One stream or one wait: what it has not taken yet, at most QUEUED entries. Leaves as a context manager, or by `leave`.

    Args:
        job: whose entries it wants; None for those of all jobs, without logs.
        log: whether it also wants the lines of the job's log.
        connection: the client's, to notice that it has left.
    """

    now: Now  # as it was when listening began; everything after that arrives

    def __init__(self, live: "Live", job: str | None, log: bool, connection: socket.socket | None) -> None:
        self.live, self.job, self.log = live, job, log
        self.lost = False  # something is missing from here on
        self.writing_since: float | None = None  # while a piece is on its way to the client
        self._connection = connection
        self._waiting: deque[Entry] = deque()
        self._latest = {"log": START, "event": START}
        self._changed = threading.Condition()

    def put(self, found: list[Entry]) -> None:
        """Hand entries over, or note that they are too many. An entry that came before is left out."""
        with self._changed:
            found = [each for each in found if each.place > self._latest[each.stream]]
            if self.lost or len(self._waiting) + len(found) > QUEUED:
                self.lost = True
                self._waiting.clear()
            else:
                self._waiting.extend(found)
                self._latest.update({each.stream: each.place for each in found})
            self._changed.notify()

    def lose(self) -> None:
        """Note that something is missing."""
        with self._changed:
            self.lost = True
            self._waiting.clear()
            self._changed.notify()

    def take(self, seconds: float) -> list[Entry]:
        """All that waits, as soon as something does; nothing after `seconds`. Nothing comes twice, or from before `now`."""
        with self._changed:
            if not self._waiting and not self.lost:
                self._changed.wait(seconds)
            found = [each for each in self._waiting if each.place > (self.now.log if each.stream == "log" else self.now.last)]
            self._waiting.clear()
        return found

    def gone(self) -> bool:
        """Whether the client has closed the connection."""
        if self._connection is None:
            return False
        try:
            return self._connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except (BlockingIOError, ValueError):  # nothing to read; or a TLS connection, which cannot be asked
            return False
        except OSError:
            return True

    def cut(self) -> None:
        """Close the connection under whoever writes to it."""
        if self._connection is not None:
            try:
                self._connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def await_end(self, seconds: float) -> None:
        """Return as soon as the job has ended or is gone, the client has left, or the process shall stop."""
        give_up, now = time.monotonic() + seconds, self.now
        while now.status is not None and now.status not in TERMINAL:
            left = give_up - time.monotonic()
            if left <= 0 or self.live.stopping or self.gone():
                return
            if any(entry.ends for entry in self.take(min(left, GLANCE))):
                return
            if self.lost:
                now, self.lost = self.live.look(self.job), False

    def leave(self) -> None:
        """Make room for another one. May be called twice."""
        self.live.dismiss(self)

    def __enter__(self) -> "Listener":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.leave()


class Live:
    """Everybody who listens in this process, and the thread that reads for them.

    Args:
        store: of the application; the reading thread has a connection of its own.
        most: how many may listen at once.
    """

    def __init__(self, store: ApiStore, most: int) -> None:
        self.store, self.most = store, most
        self.stopping = False
        self.longest = 300.0  # seconds after which a stream ends; its client connects again
        self._lock = threading.Lock()
        self._starting = threading.Lock()
        self._listeners: set[Listener] = set()
        self._thread: threading.Thread | None = None
        self._place = START  # up to where `events` was read
        self._logs: dict[str, Place] = {}  # jobs whose log is read, and up to where

    def listen(
        self, job: str | None = None, *, log: bool = False, since: Place | None = None, connection: socket.socket | None = None
    ) -> Listener:
        """A new listener, which from `now` on misses nothing.

        Args:
            since: `now.continues` says whether all that happened after this place can still be read.

        Raises: NoPlace at once; StoreUnavailable.
        """
        listener = Listener(self, job, log, connection)
        with self._lock:
            if self.stopping or len(self._listeners) >= self.most:
                raise NoPlace
            self._listeners.add(listener)
        try:
            self._ensure_reading()
            # The thread has read up to some earlier place by now, so that whatever follows this look is still to come.
            listener.now = self.look(job, since)
        except BaseException:
            listener.leave()
            raise
        if log and job is not None:
            with self._lock:
                self._logs[job] = min(listener.now.log, self._logs.get(job, listener.now.log))
        return listener

    def look(self, job: str | None, since: Place | None = None) -> Now:
        """What stands in Redis now. Raises StoreUnavailable."""
        now: Now = self.store.read(lambda rd: entries.look(rd, self.store.prefix, job, since))
        return now

    def dismiss(self, listener: Listener) -> None:
        """Forget a listener."""
        with self._lock:
            self._listeners.discard(listener)
            if listener.job is not None and not any(each.log and each.job == listener.job for each in self._listeners):
                self._logs.pop(listener.job, None)

    def stop(self) -> None:
        """Let everybody who listens end within a moment. Takes no lock, since a signal handler calls it."""
        self.stopping = True

    def __len__(self) -> int:
        return len(self._listeners)

    def _ensure_reading(self) -> None:
        with self._starting:
            if self._thread is not None:  # it stays, since there is a listener
                return
            self._place = self.look(None).last
            thread = threading.Thread(target=self._read, name="live", daemon=True)
            self._thread = thread
            thread.start()

    def _read(self) -> None:
        settings = self.store.settings
        pause, whole = _PAUSE, True
        with connect(settings, settings.redis_db, socket_timeout=BLOCK + settings.redis_timeout) as rd:
            while not self._finished():
                try:
                    if not whole:
                        self._check(rd)
                    count = self._pass_on(rd)
                    pause, whole = _PAUSE, count < entries.PAGE  # a full page: it may be far behind
                except Exception as error:
                    if pause == _PAUSE:
                        logger.warning("Events cannot be read now: %s", error)
                    pause, whole = min(max(pause * 2, 0.05), _LONGEST_PAUSE), False
                    if isinstance(error, redis.ResponseError) and str(error).startswith("WRONGTYPE"):
                        self._logs.clear()  # a log is something else: streams go on without any
                self._cut_stalled()
                time.sleep(pause)

    def _finished(self) -> bool:
        with self._lock:
            if self._listeners:
                return False
            self._thread = None
            return True

    def _check(self, rd: redis.Redis) -> None:
        """After an absence of Redis, or far behind: where entries are missing, everybody must know."""
        now = entries.look(rd, self.store.prefix, None, self._place)
        if not now.continues:
            self._place = now.last
            for listener in self._everybody():
                listener.lose()

    def _pass_on(self, rd: redis.Redis) -> int:
        """Read what is new and hand it out; how many entries there were."""
        prefix = self.store.prefix
        with self._lock:
            logs = dict(self._logs)
        streams = {f"{prefix}events": shown(self._place)} | {f"{prefix}job.{job}.log": shown(at) for job, at in logs.items()}
        reply: Any = rd.xread(streams, entries.PAGE, int(BLOCK * 1000))  # type: ignore[arg-type]
        raw = {key.decode(): found for key, found in reply}
        listeners = self._everybody()
        jobs, all_jobs = {each.job for each in listeners}, any(each.job is None for each in listeners)
        events = raw.get(f"{prefix}events", [])
        wanted = [entries.event(*each) for each in events if all_jobs or entries.job_of(each[1]) in jobs]
        entries.add_progress(self.store, wanted)
        lines = {job: [entries.line(job, *each) for each in raw.get(f"{prefix}job.{job}.log", [])] for job in logs}
        for listener in listeners:
            mine = [entry for entry in wanted if listener.job in (None, entry.job)]
            if listener.log and listener.job in lines:
                mine = lines[listener.job] + mine  # first, since the end of the job may be among the others
            if mine:
                listener.put(mine)
        if events:
            self._place = place_of(events[-1][0]) or self._place
        with self._lock:
            for job, found in lines.items():
                if found and self._logs.get(job) == logs[job]:
                    self._logs[job] = found[-1].place
        return len(events)

    def _cut_stalled(self) -> None:
        """A client that takes nothing must not hold its thread."""
        latest = time.monotonic() - (GLANCE if self.stopping else _PATIENCE)
        for listener in self._everybody():
            if listener.writing_since is not None and listener.writing_since < latest:
                listener.cut()

    def _everybody(self) -> Iterable[Listener]:
        with self._lock:
            return list(self._listeners)


def attach(extensions: dict[str, Any], store: ApiStore) -> None:
    """Give an application its Live, for half of its threads."""
    extensions[_NAME] = Live(store, store.settings.api_threads // 2)


def live_of(extensions: dict[str, Any]) -> Live:
    """The Live of an application."""
    found: Live = extensions[_NAME]
    return found


def live() -> Live:
    """The Live of the application that answers this request."""
    return live_of(current_app.extensions)
