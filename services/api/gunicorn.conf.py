"""How gunicorn runs the API; everything that can be set comes from the settings.

The application is loaded before the fork, so that workers share its memory and a killed one is back at once. The parent
has no thread and no connection when it forks.
"""

import os
import sys
from pathlib import Path

# Threads of a library would not survive the fork, and requests run in threads already. Read when the libraries load.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
os.environ.setdefault("JE_ARROW_MALLOC_CONF", "background_thread:false")
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from lib.settings import SettingsError, load_settings
from services.api.access_log import logging_config
from services.api.auth import wants_sign_in

try:
    _settings = load_settings()
    wants_sign_in(_settings)
except SettingsError as error:
    sys.exit(f"trafficjobs: {error}")

bind = [f"[{_settings.host}]:{_settings.port}" if ":" in _settings.host else f"{_settings.host}:{_settings.port}"]
worker_class = "gthread"
workers = _settings.api_workers
threads = _settings.api_threads
preload_app = True
control_socket_disable = True  # it would lie in HOME, which need not exist
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # a heartbeat must not wait for a disk
timeout = 60  # seconds without a heartbeat after which a worker is replaced; long requests do not count
graceful_timeout = 8  # seconds; longer than any answer takes but an upload's
keepalive = 30  # seconds
logconfig_dict = logging_config(_settings.log_level)
