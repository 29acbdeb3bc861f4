"""What lies at hand in a shell beside the service: `from lib.shell import *`, which IPython does in the worker's image.

`q`, `rd` and `jobs` are the course's names, `df` is the data as the workers see it, and `HotQueue` opens any queue with the
login of the environment; `incidents.load` takes another version or a file. Nothing here fails because Redis is away or empty:
`df` is None then, and says so.
"""

import pickle
from typing import Any

import hotqueue
import pandas as pd
import redis

import lib.queue
from lib import incidents, jobs
from lib.connections import FOREVER, connect
from lib.errors import InvalidInput, JobsError
from lib.queue import settings_with
from lib.settings import load_settings
from lib.unpickle import UnreadableEntry, plain_value, unpickle

__all__ = ["HotQueue", "df", "frame", "incidents", "jobs", "pd", "q", "rd"]


class PlainPickle:
    """HotQueue's wire format for plain data; reading it runs nothing of what others have put there."""

    @staticmethod
    def dumps(value: Any) -> bytes:
        """Raises InvalidInput for anything but str, numbers, None, lists and dicts."""
        try:
            return pickle.dumps(plain_value(value))
        except UnreadableEntry as error:
            raise InvalidInput("message", f"must be plain data (str, numbers, None, lists, dicts): {error}") from None

    loads = staticmethod(unpickle)


def HotQueue(name: str, serializer: Any = PlainPickle, **redis_arguments: Any) -> Any:
    """The queue of that name, with the login of the environment.

    One that the service keeps is `lib.queue.HotQueue`, whose items are claimed and come back when their consumer is killed.
    Any other is the package's own: a plain list, on which an item that was put is at once with whoever waits for it.

    Args:
        serializer: as the package takes it.
        redis_arguments: host, port, db, username, password, where they are not the environment's.
    """
    settings = settings_with(redis_arguments)
    if name in settings.all_queues:
        return lib.queue.HotQueue(name, pickle if serializer is PlainPickle else serializer, **redis_arguments)
    if settings.redis_cluster:
        raise InvalidInput("name", f"{name!r} is none of the service's queues, and no other one lies in its slot of the cluster")
    # `consume` waits without an end, and redis-py would end it after a few seconds.
    pool = connect(settings, settings.queue_db, socket_timeout=FOREVER).connection_pool
    return hotqueue.HotQueue(name, serializer, connection_pool=pool)


def frame() -> pd.DataFrame | None:
    """The current version of the data; None, and a line that says why, where there is none."""
    try:
        return incidents.load()
    except (JobsError, redis.RedisError, OSError) as error:
        print(f"df is None: {error}. Then: df = frame()")
        return None


def banner() -> str:
    """What is at hand, for the head of a session."""
    about = "None; df = frame() looks again" if df is None else f"the data: {len(df):,} incidents; df = frame() takes the newest"
    lines = {
        "q": f"the queue {q.name}: len(q), q.put(...), q.get()",
        "rd": f"Redis, database {load_settings().redis_db}: rd.hgetall('job.<id>')",
        "jobs": "lib.jobs: jobs.get_job_by_id('<id>'), jobs.add_job(start, end)",
        "df": about,
        "incidents": "incidents.load(version='v-...'), incidents.load('file.csv')",
        "HotQueue": "HotQueue('exercise') is a queue of your own: put, get, consume, worker",
    }
    return "".join(f"{name:<9} {text}\n" for name, text in lines.items())


q, rd = jobs.q, jobs.rd
df = frame()
