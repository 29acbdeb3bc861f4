"""What a cluster says of a release: KEDA and its objects, whether they count the queues that are served, and the pods.

Read through kubectl. What may not be looked at is unknown, with what would help; contents of Secrets are never asked for.
"""

from collections.abc import Callable, Iterator
from typing import Any

from trafficjobs.cli.checks import FAILED, OK, UNKNOWN, WARNING, Check
from trafficjobs.cli.kubectl import Kubectl, Unseen

SCALED, AUTHENTICATIONS = "scaledobjects.keda.sh", "triggerauthentications.keda.sh"
_Looks = Callable[[Kubectl, list[str] | None, int | None], Iterator[Check]]


def checks(kubectl: Kubectl, queues: list[str] | None, workers: int | None) -> Iterator[Check]:
    """Everything that can be seen.

    Args:
        queues: those of the service; None where it does not say.
        workers: how many beat; None likewise.
    """
    for name, look in _LOOKS.items():
        try:
            yield from look(kubectl, queues, workers)
        except Unseen as error:
            yield Check("cluster" if error.away else name, UNKNOWN, str(error), error.remedy)
            if error.away:
                return


def _operator(kubectl: Kubectl, *_: Any) -> Iterator[Check]:
    found = kubectl.everywhere("deployments.apps", "app=keda-operator")
    up = sum(each.get("status", {}).get("availableReplicas", 0) for each in found)
    remedy = "install KEDA, or see why its operator is not available: kubectl get pods -A -l app=keda-operator"
    yield Check("keda operator", OK, f"{up} available") if up else Check("keda operator", FAILED, "none is available", remedy)


def _scaled(kubectl: Kubectl, queues: list[str] | None, workers: int | None) -> Iterator[Check]:
    try:
        found = kubectl.ours(SCALED)
    except Unseen as error:
        if not error.absent:
            raise
        yield Check("scaled objects", FAILED, "the cluster knows no ScaledObject", "install KEDA, with its CRDs")
        return
    if not found:
        remedy = "see --namespace and --release; with keda.enabled in the values, the chart makes one for each pool"
        yield Check("scaled objects", WARNING, "there is none, and nothing scales the workers by their queues", remedy)
        return
    for each in found:
        yield from _one_scaled(each)
    yield from _counted(found, queues or [])
    if workers is not None:
        yield _bounds(found, workers)
    yield from _scalers(kubectl, found)


def _one_scaled(one: dict[str, Any]) -> Iterator[Check]:
    name, states = f"scaled object {_name(one)}", _conditions(one)
    see = f"kubectl describe scaledobject {_name(one)}"
    if states.get("Ready", ("", ""))[0] != "True":
        why = states.get("Ready", ("", "KEDA has not looked at it"))[1]
        yield Check(name, FAILED, f"not ready: {why}", f"see that KEDA reaches Redis as its user: {see}")
    elif states.get("Fallback", ("", ""))[0] == "True":
        why = states["Fallback"][1]
        yield Check(name, FAILED, f"it has fallen back to a fixed number of pods: {why}", f"see that KEDA reaches Redis: {see}")
    elif states.get("Paused", ("", ""))[0] == "True":
        remedy = f"kubectl annotate scaledobject {_name(one)} autoscaling.keda.sh/paused- autoscaling.keda.sh/paused-replicas-"
        yield Check(name, WARNING, "paused: the number of pods stays as it is", remedy)
    else:
        active = "active" if states.get("Active", ("", ""))[0] == "True" else "idle"
        yield Check(name, OK, f"ready, {active}, {_minimum(one)} to {_maximum(one)} pods")


def _counted(found: list[dict[str, Any]], queues: list[str]) -> Iterator[Check]:
    """Whether each queue's lists and leases are counted by a trigger; keys end in the queue's name, after a prefix."""
    keys = [trigger.get("metadata", {}).get("listName", "") for one in found for trigger in one["spec"].get("triggers", [])]
    lists = [key.removeprefix("hotqueue:") for key in keys if key.startswith("hotqueue:")]
    leases = [key.removesuffix(".leases") for key in keys if key.endswith(".leases")]
    missing = {
        queue: what
        for queue in queues
        if (
            what := [
                word for word, named in (("list", lists), ("leases", leases)) if not any(key.endswith(queue) for key in named)
            ]
        )
    }
    remedy = "name it in `queues` of a pool of the values, or let a pool of fixed size serve it"
    for queue, what in missing.items():
        yield Check(f"triggers of {queue}", WARNING, f"no trigger counts its {' and '.join(what)}", remedy)
    if queues and not missing:
        yield Check("triggers", OK, f"the lists and leases of {', '.join(queues)} are counted")


def _bounds(found: list[dict[str, Any]], workers: int) -> Check:
    least, most = sum(map(_minimum, found)), sum(map(_maximum, found))
    seen = f"{workers} workers beat, of {least} to {most} that are wanted"
    if workers < least:
        return Check("bounds", WARNING, seen, "see why pods do not start: kubectl get pods; new ones beat within seconds")
    return Check("bounds", OK, seen)


def _scalers(kubectl: Kubectl, found: list[dict[str, Any]]) -> Iterator[Check]:
    """The autoscalers that KEDA makes of the scaled objects. At zero pods one is not active, which is as it should be."""
    there = {_name(each): each for each in kubectl.all("horizontalpodautoscalers.autoscaling")}
    for one in found:
        wanted = one.get("status", {}).get("hpaName") or f"keda-hpa-{_name(one)}"
        name, states = f"autoscaler {wanted}", _conditions(there.get(wanted, {}))
        able, active = states.get("AbleToScale", ("True", "")), states.get("ScalingActive", ("True", ""))
        stopped = active[0] == "False" and "replicas" not in active[1] and "zero" not in active[1]
        if wanted not in there:
            yield Check(name, FAILED, "is not there", "see the log of the KEDA operator")
        elif able[0] == "False" or stopped:
            why = able[1] if able[0] == "False" else active[1]
            yield Check(name, FAILED, f"cannot scale: {why}", f"kubectl describe hpa {wanted}")
        else:
            yield Check(name, OK, "able to scale")


def _secrets(kubectl: Kubectl, *_: Any) -> Iterator[Check]:
    """Whether the Secrets that KEDA signs in with are there; their names alone are asked for."""
    try:
        found = kubectl.ours(AUTHENTICATIONS)
    except Unseen as error:
        if error.absent:
            return  # told of the scaled objects
        raise
    needed = {ref["name"]: _name(one) for one in found for ref in one["spec"].get("secretTargetRef", [])}
    missing = sorted(needed.keys() - kubectl.names("secrets")) if needed else []
    for name in missing:
        remedy = f"make it: the TriggerAuthentication {needed[name]} reads a password from it"
        yield Check("secrets", FAILED, f"there is no Secret {name}", remedy)
    if needed and not missing:
        yield Check("secrets", OK, f"{', '.join(sorted(needed))} there")


def _deployments(kubectl: Kubectl, *_: Any) -> Iterator[Check]:
    short = 0
    found = kubectl.ours("deployments.apps") + kubectl.ours("statefulsets.apps")
    for one in found:
        wanted = one["spec"].get("replicas", 1)
        there = one.get("status", {}).get("availableReplicas", 0)
        if there < wanted:
            short += 1
            remedy = "see why its pods are not ready: kubectl get pods, kubectl describe pod NAME"
            yield Check(f"{one['kind'].lower()} {_name(one)}", FAILED, f"{there} of {wanted} pods are available", remedy)
    if not found:
        yield Check("deployments", FAILED, "there is none", "see --namespace and --release")
    elif not short:
        yield Check("deployments", OK, f"all {len(found)} have the pods that they want")


def _pods(kubectl: Kubectl, *_: Any) -> Iterator[Check]:
    found = kubectl.ours("pods")
    trouble = [check for one in found for check in _one_pod(one)]
    yield from trouble or [Check("pods", OK, f"{len(found)}, none pending or restarted")]


def _one_pod(one: dict[str, Any]) -> Iterator[Check]:
    name, status = f"pod {_name(one)}", one.get("status", {})
    see = f"kubectl describe pod {_name(one)}"
    if status.get("phase") == "Pending":
        why = next((each.get("message", "") for each in status.get("conditions", []) if each.get("status") == "False"), "")
        yield Check(name, WARNING, f"pending{f': {why}' if why else ''}", f"see its events: {see}")
    for each in status.get("initContainerStatuses", []) + status.get("containerStatuses", []):
        waiting = each.get("state", {}).get("waiting", {}).get("reason", "")
        if waiting not in ("", "ContainerCreating", "PodInitializing"):
            yield Check(name, FAILED, f"{each['name']} waits: {waiting}", f"{see}, and kubectl logs --previous")
        elif each.get("restartCount"):
            ended = each.get("lastState", {}).get("terminated", {}).get("reason", "not told")
            seen = f"{each['name']} was started again {each['restartCount']} times, the last time after: {ended}"
            yield Check(name, WARNING, seen, f"kubectl logs --previous {_name(one)} -c {each['name']}")


def _volumes(kubectl: Kubectl, *_: Any) -> Iterator[Check]:
    for one in kubectl.ours("persistentvolumeclaims"):
        phase = one.get("status", {}).get("phase", "Unknown")
        remedy = f"see what its storage class says: kubectl describe pvc {_name(one)}"
        name = f"volume {_name(one)}"
        yield Check(name, OK, "bound") if phase == "Bound" else Check(name, FAILED, f"it is {phase}", remedy)


_LOOKS: dict[str, _Looks] = {
    "scaled objects": _scaled,
    "keda operator": _operator,
    "secrets": _secrets,
    "deployments": _deployments,
    "pods": _pods,
    "volumes": _volumes,
}


def _name(one: dict[str, Any]) -> str:
    return str(one["metadata"]["name"])


def _conditions(one: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Status and message (or reason) of each condition."""
    told = one.get("status", {}).get("conditions") or []
    return {each["type"]: (each["status"], each.get("message") or each.get("reason") or "") for each in told}


def _minimum(one: dict[str, Any]) -> int:
    return int(one["spec"].get("minReplicaCount", 0))


def _maximum(one: dict[str, Any]) -> int:
    return int(one["spec"].get("maxReplicaCount", 100))
