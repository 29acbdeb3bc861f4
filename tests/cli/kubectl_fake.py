"""A `kubectl` that answers from a file of objects: what the chart makes, as a cluster gives it back, or refusals."""

import json
import sys
from pathlib import Path
from typing import Any

FULL = "jobs-trafficjobs"
QUEUE = "job-queue"
PROGRAM = """#!{python}
import json, sys
from pathlib import Path
words = sys.argv[1:]
with Path({calls!r}).open("a") as calls:
    calls.write(" ".join(words) + "\\n")
said = json.loads(Path({said!r}).read_text())
found = said.get(words[1], [])
if isinstance(found, str):
    sys.exit(found)
if "name" in words:
    print("\\n".join("secret/" + each["metadata"]["name"] for each in found))
else:
    print(json.dumps({{"apiVersion": "v1", "kind": "List", "items": found}}))
"""


def install(folder: Path, objects: dict[str, Any]) -> Path:
    """Put the program into a folder for PATH; the file of its calls, a line each."""
    calls, said = folder / "calls", folder / "objects.json"
    said.write_text(json.dumps(objects))
    program = folder / "kubectl"
    program.write_text(PROGRAM.format(python=sys.executable, calls=str(calls), said=str(said)))
    program.chmod(0o755)
    return calls


def condition(kind: str, status: str, message: str = "") -> dict[str, str]:
    return {"type": kind, "status": status, "reason": f"{kind}Reason", "message": message}


def deployment(name: str, replicas: int = 1, available: int = 1, kind: str = "Deployment") -> dict[str, Any]:
    status = {"replicas": replicas, "readyReplicas": available, "availableReplicas": available}
    return {"kind": kind, "metadata": {"name": name}, "spec": {"replicas": replicas}, "status": status}


def scaled_object(*conditions: dict[str, str], queues: tuple[str, ...] = (QUEUE,), least: int = 0) -> dict[str, Any]:
    """As the chart makes it: three lists and the leases of each queue."""
    keys = [f"hotqueue:blue:{queue}{end}" for queue in queues for end in (":high", "", ":low")]
    keys += [f"blue:{queue}.leases" for queue in queues]
    told = {each["type"]: each for each in (condition("Ready", "True"), condition("Active", "False"), *conditions)}
    triggers = [
        {"type": "redis", "name": f"queued{n}", "metadata": {"listName": key, "listLength": "1", "databaseIndex": "1"}}
        for n, key in enumerate(keys)
    ]
    name = f"{FULL}-worker-default"
    return {
        "kind": "ScaledObject",
        "metadata": {"name": name},
        "spec": {"minReplicaCount": least, "maxReplicaCount": 5, "scaleTargetRef": {"name": name}, "triggers": triggers},
        "status": {"hpaName": f"keda-hpa-{name}", "conditions": list(told.values())},
    }


def autoscaler(*conditions: dict[str, str]) -> dict[str, Any]:
    able = condition("AbleToScale", "True", "recommended size matches current size")
    idle = condition("ScalingActive", "False", "scaling is disabled since the replica count of the target is zero")
    told = {each["type"]: each for each in (able, idle, *conditions)}
    return {"metadata": {"name": f"keda-hpa-{FULL}-worker-default"}, "spec": {}, "status": {"conditions": list(told.values())}}


def pod(phase: str = "Running", **container: Any) -> dict[str, Any]:
    status = {"name": "api", "ready": True, "restartCount": 0, "state": {"running": {}}, "lastState": {}} | container
    return {"metadata": {"name": f"{FULL}-api-1"}, "spec": {}, "status": {"phase": phase, "containerStatuses": [status]}}


def healthy(**other: Any) -> dict[str, Any]:
    """A release that is well, but for what is given: by kind of object, or a line for an error; `_` stands for a dot."""
    reference = [{"parameter": "password", "name": f"{FULL}-redis", "key": "keda-password"}]
    found: dict[str, Any] = {
        "scaledobjects.keda.sh": [scaled_object()],
        "triggerauthentications.keda.sh": [{"metadata": {"name": f"{FULL}-redis"}, "spec": {"secretTargetRef": reference}}],
        "deployments.apps": [
            deployment(f"{FULL}-api", 2, 2),
            deployment(f"{FULL}-worker-default", 0, 0),
            deployment("keda-operator"),
        ],
        "statefulsets.apps": [deployment(f"{FULL}-redis", kind="StatefulSet")],
        "horizontalpodautoscalers.autoscaling": [autoscaler()],
        "pods": [pod()],
        "persistentvolumeclaims": [{"metadata": {"name": f"data-{FULL}-redis-0"}, "spec": {}, "status": {"phase": "Bound"}}],
        "secrets": [{"metadata": {"name": f"{FULL}-redis"}}],
    }
    return found | {name.replace("_", "."): value for name, value in other.items()}
