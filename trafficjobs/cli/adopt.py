"""`adopt`: what waits in an RQ or HotQueue Redis becomes jobs of the service, one at a time. For somebody who reaches both."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import typer

from trafficjobs.adopting import hotqueue, rq
from trafficjobs.adopting.moving import Mover
from trafficjobs.adopting.operations import Operations, Waiting
from trafficjobs.cli import failures, output
from trafficjobs.cli.session import Session, command
from trafficjobs.errors import Invalid, NotFound, TrafficjobsError, Unavailable

_COLUMNS = ("FROM", "WHAT", "ID", "BECOMES")
Source = Annotated[Literal["rq", "hotqueue"], typer.Option("--from", help="What put it there.")]
Url = Annotated[str, typer.Option("--redis", metavar="URL", help="The Redis it waits in: redis://host:6379/0.")]
Names = Annotated[list[str] | None, typer.Option("--queue", metavar="NAME", help="A queue there; all by default.")]
Map = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="NAME=OPERATION", help="A function or type there, and the operation that it is here."),
]
Message = Annotated[
    str | None, typer.Option(metavar="OPERATION.PARAMETER", help="Make a job of each message that is no job, of HotQueue.")
]


def add_to(app: typer.Typer) -> None:
    """Make `adopt` a command of `app`."""
    command(app)(adopt)


def adopt(
    session: Session,
    source: Source,
    redis: Url,
    queue: Names = None,
    to: Annotated[str | None, typer.Option(metavar="QUEUE", help="Of the service; its default one by default.")] = None,
    map: Map = None,
    message: Message = None,
    records_db: Annotated[int, typer.Option(min=0, help="Database of the records that ids in a HotQueue stand for.")] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would become of each, and change nothing.")] = False,
) -> None:
    """Move what waits in an RQ or HotQueue Redis over.

    Stop its workers first, or let them go on: an entry is taken by one of the two. What cannot be moved stays, with the reason.
    For example: trafficjobs adopt --from rq --redis redis://127.0.0.1:6379/0 --dry-run
    """
    session.client.operations()  # a service that is away, or knows us not, ends this before anything is read

    def schema_of(name: str) -> dict[str, Any] | None:
        try:
            return session.client.operation(name).get("schema", {})
        except NotFound:
            return None

    operations = Operations(schema_of, _mapping(map or []))
    client, records = _connected(redis, None), _connected(redis, records_db)
    names = queue or []
    found: list[Waiting] = []

    def entries() -> Iterator[Waiting]:
        return (
            rq.waiting(client, names, operations)
            if source == "rq"
            else hotqueue.waiting(client, records, names, operations, message)
        )

    try:
        if dry_run:
            found = list(entries())
        else:
            mover = Mover(client, session.client, to)
            if resumed := mover.resume():
                output.note(f"{resumed} had been on its way; it is moved")
            mover.move(entries(), found.append)
    except TrafficjobsError:
        _show(session, found, dry_run)
        raise
    except Exception as error:
        if type(error).__module__.partition(".")[0] != "redis":
            raise
        raise Unavailable(f"{_without_password(redis)}: {error}") from None
    _show(session, found, dry_run)
    if not dry_run and any(each.body is None for each in found):
        raise typer.Exit(failures.JOB_FAILED)


def _show(session: Session, found: list[Waiting], dry_run: bool) -> None:
    able = sum(each.body is not None for each in found)
    if session.as_json:
        rows = [
            {
                "from": each.key.decode(errors="replace"),
                "what": each.about,
                "id": each.id,
                "job": each.body,
                "stays": each.why or None,
            }
            for each in found
        ]
        output.document({"entries": rows, "moved": 0 if dry_run else able, "stay": len(found) - able, "dry_run": dry_run})
        return
    output.table(_COLUMNS, [_row(each) for each in found], "Nothing waits there.")
    if found:
        output.note(
            f"{able} {'would be' if dry_run else 'were'} moved, {len(found) - able} {'would stay' if dry_run else 'stay'}."
        )


def _row(each: Waiting) -> tuple[Any, ...]:
    if each.body is None:
        becomes = f"stays: {each.why}"
    else:
        params = each.body.get("params", {name: value for name, value in each.body.items() if name in ("start", "end", "date")})
        becomes = f"{each.body.get('operation', 'a job of')} {output.shown(params)}"
    return each.key.decode(errors="replace"), each.about, each.id, becomes


def _mapping(pairs: list[str]) -> dict[str, str]:
    mapping = {}
    for pair in pairs:
        name, sign, operation = pair.rpartition("=")
        if not (name and sign and operation):
            raise Invalid(f"--map {pair!r} is not NAME=OPERATION.")
        mapping[name] = operation
    return mapping


def _connected(url: str, db: int | None) -> Any:
    try:
        from redis import Redis
    except ImportError:
        raise Invalid("adopt reads Redis with redis-py; install it: pip install 'trafficjobs[adopt]'") from None
    try:
        client = Redis.from_url(url, socket_timeout=10, socket_connect_timeout=5, protocol=2)
    except ValueError as error:
        raise Invalid(f"--redis {_without_password(url)} is no address of a Redis: {error}") from None
    if db is not None:
        client.connection_pool.connection_kwargs["db"] = db
    return client


def _without_password(url: str) -> str:
    return url.rpartition("@")[2]
