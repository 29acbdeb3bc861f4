"""trafficjobs: the public package, what a wheel installs. The service itself lives in `services` and `lib`.

`from trafficjobs import Client` is the client of the HTTP API, `AsyncClient` its twin for asyncio; `trafficjobs` on a shell is
the command line. `__version__` is the only place where the version stands; the wheel, the API and the command line read it here.
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from trafficjobs.client import AsyncClient as AsyncClient
    from trafficjobs.client import Client as Client
    from trafficjobs.errors import BatchFailed as BatchFailed
    from trafficjobs.errors import Conflict as Conflict
    from trafficjobs.errors import Forbidden as Forbidden
    from trafficjobs.errors import Invalid as Invalid
    from trafficjobs.errors import JobCancelled as JobCancelled
    from trafficjobs.errors import JobFailed as JobFailed
    from trafficjobs.errors import NotFound as NotFound
    from trafficjobs.errors import QueueFull as QueueFull
    from trafficjobs.errors import ResultTimeout as ResultTimeout
    from trafficjobs.errors import TrafficjobsError as TrafficjobsError
    from trafficjobs.errors import Unauthorized as Unauthorized
    from trafficjobs.errors import Unavailable as Unavailable
    from trafficjobs.events import Event as Event
    from trafficjobs.job import AsyncJob as AsyncJob
    from trafficjobs.job import Job as Job
    from trafficjobs.notebook import Jobs as Jobs
    from trafficjobs.results import File as File

_PLACES = {"Client": "client", "AsyncClient": "client", "Job": "job", "AsyncJob": "job", "Jobs": "notebook", "File": "results"}
_PLACES |= {"Event": "events"} | dict.fromkeys(
    ["BatchFailed", "Conflict", "Forbidden", "Invalid", "JobCancelled", "JobFailed", "NotFound", "QueueFull", "ResultTimeout"]
    + ["TrafficjobsError", "Unauthorized", "Unavailable"],
    "errors",
)
__all__ = ["__version__", *_PLACES]


def __getattr__(name: str) -> Any:
    """Public names are imported when they are used: API and launcher read the version and need no HTTP client."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"trafficjobs.{_PLACES[name]}"), name)
