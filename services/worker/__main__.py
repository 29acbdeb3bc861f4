"""The worker program: `python -m services.worker`. Settings come from the environment; SIGTERM stops it gracefully."""

import signal

# First of all: PID 1 of a container never sees a SIGTERM that it has no handler for, and the imports take a while. A pod that is
# told to go as soon as it has come would stay for its whole grace.
_asked: list[int] = []
for _number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(_number, lambda number, _frame: _asked.append(number))

import logging
import re
import secrets
import shutil
import sys
import tempfile
from pathlib import Path

from lib.cluster_api import ClusterApi
from lib.hidden import hide
from lib.logs import configure_logging
from lib.settings import SECRETS, SettingsError, load_settings
from services.worker.deletion_cost import DeletionCost
from services.worker.health import serve_health
from services.worker.links import Links
from services.worker.marks import Marks
from services.worker.supervisor import Supervisor

logger = logging.getLogger("trafficjobs.worker")
_LAST_WORDS = 3.0  # seconds after the last child's end in which Redis must hear of it


def main() -> int:
    """Run a worker until SIGTERM; the exit code."""
    try:
        settings = load_settings()
    except SettingsError as error:
        print(f"worker: {error}", file=sys.stderr)
        return 2
    hide(SECRETS)
    configure_logging(settings.log_level, "worker")
    plain = re.sub(r"[^A-Za-z0-9_.-]", "-", settings.worker_name)[-63:]  # a pod's name is no longer
    name = f"{plain}-{secrets.token_hex(3)}"
    folder = settings.worker_state_dir or Path(tempfile.mkdtemp(prefix="trafficjobs-worker-"))
    try:
        marks = Marks(folder / f"{name}.marks", slots=4 * settings.worker_children + 16)
    except OSError as error:
        print(f"worker: WORKER_STATE_DIR: cannot write to {folder}: {error.strerror}", file=sys.stderr)
        return 2
    if not marks.lock():
        raise RuntimeError(f"{marks.path} is locked by another process")
    supervisor = Supervisor(settings, name, marks)
    links = Links(supervisor)
    links.start()
    if settings.deletion_cost:
        DeletionCost(ClusterApi(settings.pod_namespace), settings.worker_name).start(lambda: len(supervisor.running()))
    health = serve_health(settings.worker_port, settings.host, supervisor, links) if settings.worker_port else None
    logger.info("worker %s started: %d children, queues %s", name, settings.worker_children, ", ".join(settings.served_queues))
    supervisor.run(_asked)
    told = links.stop(_LAST_WORDS)
    if health is not None:
        health.shutdown()
    if told:
        marks.remove()  # else the next worker in this folder reports what they say
    if settings.worker_state_dir is None:
        shutil.rmtree(folder, ignore_errors=True)
    logger.info("worker %s stopped", name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
