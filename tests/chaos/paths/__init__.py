"""The ways through commands at which processes are killed, by part of the release. `PATHS`: all of them, by name."""

from tests.chaos.crash_points import CrashPath
from tests.chaos.paths import api, loader, upkeep, worker

PATHS: dict[str, CrashPath] = {path.name: path for path in (*api.PATHS, *upkeep.PATHS, *worker.PATHS, *loader.PATHS)}
