"""What the API and the worker share. `lib.jobs` is the only door to the queue; the other modules are its parts.

redis-py imports the SDK of OpenTelemetry wherever it is installed, for metrics that nobody here asks it for; that costs every
program a tenth of a second. So it is not found while redis is imported.
"""

import sys
from typing import Any

_modules: dict[str, Any] = sys.modules
if "opentelemetry" not in _modules:
    _modules["opentelemetry"] = None  # importing it is an ImportError
    try:
        import redis  # noqa: F401
    finally:
        del _modules["opentelemetry"]
