"""The upkeep process: `python -m services.api.upkeep`. Runs the duties of `lib.upkeep` once a second until SIGTERM, and beside
them, in threads of their own, the senders of webhooks and e-mails.

Started beside the API, one for each replica. The lock in Redis lets one do the duties; the senders of all share the deliveries.
Killed at any moment it loses nothing.
"""

import os
import signal

# First of all: PID 1 of a container never sees a SIGTERM that it has no handler for, and the imports take a while. Nothing is
# held yet, so it goes at once.
if __name__ == "__main__":
    for _number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(_number, lambda *_: os._exit(0))

import faulthandler
import logging
import sys
import threading

from lib.errors import JobsError
from lib.hidden import hide
from lib.jobs import Jobs
from lib.logs import configure_logging
from lib.sending import Senders
from lib.settings import SECRETS, SettingsError, load_settings
from lib.upkeep import Upkeep

logger = logging.getLogger("trafficjobs.upkeep")
# Seconds after which a round hangs: the process says where and ends, and whoever started it starts it again. It has no port
# that a probe could ask.
_LONGEST_ROUND = 300.0


def main() -> int:
    """Run until SIGTERM or SIGINT; the exit code."""
    try:
        settings = load_settings()
    except SettingsError as error:
        print(f"upkeep: {error}", file=sys.stderr)
        return 2
    hide(SECRETS)
    configure_logging(settings.log_level, "upkeep")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    jobs = Jobs(settings)
    upkeep, senders = Upkeep(jobs), Senders(jobs)
    senders.start()
    threading.Thread(target=upkeep.watch, args=(stop,), name="watch", daemon=True).start()
    logger.info("upkeep started, pid %d, queues %s", os.getpid(), ", ".join(settings.all_queues))
    away = False
    while not stop.wait(settings.upkeep_interval):
        faulthandler.dump_traceback_later(_LONGEST_ROUND, exit=True)
        try:
            upkeep.round()
            if away:
                logger.info("Redis is back")
            away = False
        except JobsError as error:
            if not away:
                logger.warning("%s", error)
            away = True
        except Exception:  # one bad round must not end the duties
            logger.exception("a round of upkeep failed")
        faulthandler.cancel_dump_traceback_later()
    try:
        upkeep.release()
    except JobsError as error:
        logger.warning("The lock was not given back: %s", error)
    senders.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
