"""How gunicorn runs the API; everything that can be set comes from the settings.

The application is loaded before the fork, so that workers share its memory and a killed one is back at once. The parent
has no thread and no connection when it forks.
"""

import os
import resource
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

# PID 1 of a container never sees a SIGTERM that it has no handler for, and the imports take a while. Nothing is held yet, so it
# goes at once, until gunicorn sets its own; where gunicorn reads this again, it has.
if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))

# Threads of a library would not survive the fork, and requests run in threads already. Read when the libraries load.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
os.environ.setdefault("JE_ARROW_MALLOC_CONF", "background_thread:false")
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from lib import tracing
from lib.hidden import hide
from lib.logs import configure_logging, log_config
from lib.settings import SECRETS, SettingsError, load_settings
from services.api import http_metrics
from services.api.arrivals import LONGEST_LINE
from services.api.auth import wants_sign_in
from services.api.live import live_of

try:
    _settings = load_settings()
    wants_sign_in(_settings)
except SettingsError as error:
    sys.exit(f"trafficjobs: {error}")
hide(SECRETS)  # before an operation is imported; the application finds them all the same

bind = [f"[{_settings.host}]:{_settings.port}" if ":" in _settings.host else f"{_settings.host}:{_settings.port}"]
worker_class = "services.api.threads.Worker"
workers = _settings.api_workers
threads = _settings.api_threads
# Connections of one process, nearly all of them silent; each is an open file. Beyond, new ones wait in the backlog.
_files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
worker_connections = 4_000 if _files == resource.RLIM_INFINITY else max(2 * threads, min(4_000, _files - 200))
preload_app = True
control_socket_disable = True  # it would lie in HOME, which need not exist
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # nosec B108 # no disk delays a heartbeat
timeout = 60  # seconds without a heartbeat after which a worker is replaced; long requests do not count
graceful_timeout = 8  # seconds; longer than any answer takes but an upload's
keepalive = 30  # seconds
limit_request_line = LONGEST_LINE
loglevel = _settings.log_level
logconfig_dict = log_config(_settings.log_level, "api")
configure_logging(_settings.log_level, "api")  # gunicorn does only the half of it, and later

tracing.load()
_counts = http_metrics.share()


def pre_fork(server: Any, worker: Any) -> None:
    """A process gets the lowest free place, and with it the counts of the one that had it before."""
    taken = {each.place for each in server.WORKERS.values()}
    worker.place = next(place for place in range(1, len(taken) + 2) if place not in taken)


def post_fork(server: Any, worker: Any) -> None:
    """Count in the files of this process's place, and send its own spans."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # until gunicorn sets its own; the parent's would swallow one
    while not server.SIG_QUEUE.empty():
        if server.SIG_QUEUE.get_nowait() in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            os._exit(0)  # it came before that
    http_metrics.take_place(worker.place)
    tracing.begin("api")


def worker_exit(_server: Any, _worker: Any) -> None:
    """Send the last spans, for a moment."""
    tracing.end()


def on_exit(_server: Any) -> None:
    """Leave no files behind."""
    shutil.rmtree(_counts, ignore_errors=True)


def post_worker_init(worker: Any) -> None:
    """Let streams and waits end with SIGTERM: gunicorn would let them hold up the end for the whole graceful_timeout."""
    terminate: Any = signal.getsignal(signal.SIGTERM)

    def end(number: int, frame: Any) -> None:
        live_of(worker.wsgi.extensions).stop()
        terminate(number, frame)

    signal.signal(signal.SIGTERM, end)
    signal.siginterrupt(signal.SIGTERM, False)  # a request that runs is not to see an interrupted call


def worker_int(worker: Any) -> None:
    """The same for SIGINT and SIGQUIT."""
    live_of(worker.wsgi.extensions).stop()
