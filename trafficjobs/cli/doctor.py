"""`doctor`: looks at everything that can be wrong with a service, says what to do about it, and ends with a code for scripts."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated

import typer
from rich.text import Text

from trafficjobs.cli import checks, cluster, failures, output
from trafficjobs.cli.checks import Check
from trafficjobs.cli.kubectl import Kubectl
from trafficjobs.cli.session import Session, command
from trafficjobs.client import Client
from trafficjobs.errors import TrafficjobsError

_MARKS = {
    checks.OK: ("✓", "green"),
    checks.UNKNOWN: ("?", "yellow"),
    checks.WARNING: ("!", "yellow"),
    checks.FAILED: ("✗", "red"),
}
_OTHER = ("?", "yellow")  # of a newer service


def add_to(app: typer.Typer) -> None:
    """Make `doctor` a command of `app`."""
    command(app)(doctor)


def doctor(
    session: Session,
    strict: Annotated[bool, typer.Option("--strict", help="Let warnings count as well.")] = False,
    kubernetes: Annotated[
        bool, typer.Option("--kubernetes", help="Look at the objects in the cluster, through kubectl.")
    ] = False,
    namespace: Annotated[str | None, typer.Option("--namespace", metavar="NAME", help="Where; kubectl's own by default.")] = None,
    release: Annotated[str | None, typer.Option("--release", metavar="NAME", help="Of Helm; all by default.")] = None,
) -> None:
    """Check the service: reachable, ready, Redis, rights, scripts, upkeep, workers, queues, data, clocks."""
    client = session.client
    kubectl = Kubectl(namespace, release) if kubernetes or namespace or release else None
    found: list[Check] = []
    trouble: TrafficjobsError | None = None
    try:
        for check in _every(client, kubectl):
            found.append(check)
            if not session.as_json:
                _show(check)
    except TrafficjobsError as error:
        trouble = error
    counts = {checks.FAILED, checks.WARNING} if strict else {checks.FAILED}
    well = trouble is None and not any(check.status in counts for check in found)
    if session.as_json:
        output.document({"url": client.url, "ok": well, "checks": [_told(check) for check in found]})
    if trouble is not None:
        raise trouble
    if not well:
        serves = all(check.status == checks.OK for check in found if check.name == "ready")
        raise typer.Exit(failures.JOB_FAILED if serves else failures.AWAY)


def _every(client: Client, kubectl: Kubectl | None) -> Iterator[Check]:
    """What the service tells, and then the cluster, which is looked at all the more where the service is away."""
    queues: list[str] | None = None
    workers: int | None = None
    trouble: TrafficjobsError | None = None
    try:
        yield from checks.checks(client)
        if kubectl is not None:
            queues, workers = [queue["name"] for queue in client.queues()], len(client.workers())
    except TrafficjobsError as error:
        trouble = error
    if kubectl is not None:
        yield from cluster.checks(kubectl, queues, workers)
    if trouble is not None:
        raise trouble


def _told(check: Check) -> dict[str, object]:
    return asdict(check) | {"ok": check.status == checks.OK}


def _show(check: Check) -> None:
    mark, style = _MARKS.get(check.status, _OTHER)
    line = Text(f"{mark} ", style=style)
    line.append(output.clean(f"{check.name}: {check.seen}"), style="")
    if check.status != checks.OK and check.remedy:
        line.append(output.clean(f" → {check.remedy}"), style="bold")
    output.console().print(line)
