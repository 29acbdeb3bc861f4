"""Values of the test releases: the images under test, small requests, a quick scaler, and operations made for tests.

A test adds what it is about; everything not named here is the chart's own default.
"""

import os
from copy import deepcopy
from pathlib import Path
from typing import Any

from trafficjobs import __version__

Values = dict[str, Any]

REGISTRY = os.environ.get("REGISTRY") or "ghcr.io/trafficjobs"
TAG = os.environ.get("TAG", "")
POLL, COOLDOWN = 5, 20  # seconds
LEASE = 30  # seconds; the chart's own, because on a busy machine a beat may be late by several
_OPERATIONS = Path(__file__).parent / "operations"
_SMALL = {"cpu": "10m", "memory": "64Mi"}


def overlaid(under: Values, over: Values) -> Values:
    """`over` laid upon `under`, map by map, as helm does it."""
    result = deepcopy(under)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = overlaid(result[key], value) if both else deepcopy(value)
    return result


def images(tag: str = TAG) -> Values:
    """The images as `make images` names them, by REGISTRY and TAG."""
    parts = {name: image_parts(name) for name in ("api", "worker")}
    return {
        "image": {"registry": parts["api"]["registry"], "tag": tag},
        **{name: {"image": {"repository": parts[name]["repository"]}} for name in parts},
    }


def image_parts(name: str) -> dict[str, str]:
    """One image of ours, as the chart wants it named."""
    host, _, folder = REGISTRY.partition("/")
    return {"registry": host, "repository": f"{folder}/{name}".lstrip("/"), "tag": TAG or __version__}


def image(name: str) -> str:
    """The whole name of one image of ours."""
    return "{registry}/{repository}:{tag}".format(**image_parts(name))


def quick() -> Values:
    """What every test release starts from. Redis keeps nothing unless a test says so: volumes are few on small clusters."""
    small: Values = {
        "config": {"leaseSeconds": LEASE},
        "operations": {"files": {path.name: path.read_text() for path in sorted(_OPERATIONS.glob("*.py"))}},
        "api": {"replicas": 1, "resources": {"requests": _SMALL}, "upkeep": {"resources": {"requests": _SMALL}}},
        "worker": {
            "resources": {"requests": _SMALL},
            "keda": {"pollingInterval": POLL, "cooldownPeriod": COOLDOWN, "maxReplicas": 4},
        },
        "redis": {
            "resources": {"requests": _SMALL},
            "persistence": {"enabled": False, "size": "1Gi"},
            "exporter": {"image": {"tag": "latest"}},  # the one that `make e2e` loads
        },
    }
    return overlaid(small, images())
