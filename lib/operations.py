"""The registry of operations: a decorator, the typed `Operation`, and the `Catalog` of built-in and user's own ones.

The API validates and lists with it, the worker runs with it, the templates file is generated from it. It holds nothing but
code: loading it again after a crash gives the same catalog, and a user's broken file never takes the others down.
"""

import hashlib
import importlib
import inspect
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar, get_type_hints

from pydantic import BaseModel

from lib.context import Context, JobInfo, Recorder, job, log, parents, partial, progress, running, save_file, store
from lib.errors import UnknownOperation
from lib.fonts import lend_font_list
from lib.jsonable import jsonable
from lib.operation_checks import check
from lib.parameters import NoParams, Params, Signature, did_you_mean, model_of, parse
from lib.rates import Rate
from lib.trial import explain, trouble

__all__ = [
    "Catalog",
    "Context",
    "JobInfo",
    "NoParams",
    "Operation",
    "Params",
    "Recorder",
    "job",
    "load_catalog",
    "log",
    "operation",
    "parents",
    "partial",
    "progress",
    "run",
    "running",
    "save_file",
    "store",
]

# In the order in which operations are listed.
BUILT_IN_MODULES = (
    "lib.analysis.course",
    "lib.analysis.describing",
    "lib.plots",
    "lib.analysis.timing",
    "lib.analysis.kinds",
    "lib.analysis.areas",
    "lib.analysis.comparing",
    "lib.analysis.anomalies",
    "lib.loading",
)
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One thing a job can do. The name and everything users read come from the function itself."""

    name: str
    function: Callable[..., Any]
    params_model: type[BaseModel]
    title: str
    """One or two words for a button."""
    doc: str
    """The function's docstring."""
    needs_data: bool = True
    """The first argument is the frame of the incidents."""
    external_effects: bool = False
    """It changes things outside Redis, so a run whose lease has ended is stopped at once."""
    memory_limit: int | None = None
    """Bytes it may allocate, within the worker's own limit; None: just that."""
    timeout: float | None = None
    """Seconds it may run unless the job says otherwise; None: the worker's own limit."""
    cache: bool | None = None
    """Its result is a function of code, parameters and data. None: so it is where it needs data and has no external effects."""
    concurrency: int | None = None
    """Jobs of it that run at once over all workers, or of each `concurrency_key`; None: as many as there are children."""
    rate: Rate | None = None
    """How many runs of it start within a time, over all workers."""
    direct: bool = True
    """It has a route `GET /<name>` that runs it within the request."""
    hidden: bool = False
    """It is not offered in lists, templates and forms."""
    example: Mapping[str, Any] = field(default_factory=dict)
    """Parameters for the templates."""
    source_hash: str = ""
    """Changes whenever the code behind it does; part of the key of cached results."""

    @cached_property
    def signature(self) -> Signature:
        """What the function takes, the frame apart."""
        return Signature.of(self.function, skip_first=self.needs_data)

    @cached_property
    def returns(self) -> Any:
        """What the function's annotation says that it returns; None where it says nothing, or nothing that can be read."""
        try:
            return get_type_hints(self.function, include_extras=True).get("return")
        except Exception:  # whatever a user's annotation may raise
            return None

    @property
    def cacheable(self) -> bool:
        """Whether the result of one job may stand for another."""
        return self.needs_data and not self.external_effects if self.cache is None else self.cache

    @property
    def summary(self) -> str:
        """The docstring's first line."""
        return self.doc.partition("\n")[0]

    def validate(self, params: Mapping[str, Any] | None, coerce: bool = False) -> dict[str, Any]:
        """The given parameters, checked, as plain JSON. Defaults are not filled in: `run` does that, at run time.

        Args:
            coerce: take "5" for 5, for query strings; a JSON body is taken strictly.

        Raises:
            InvalidParameters: with every problem, each under `params.<name>`.
        """
        return parse(self.params_model, params, coerce).model_dump(mode="json", exclude_unset=True)

    def json_schema(self) -> dict[str, Any]:
        """JSON Schema (2020-12) of the parameters."""
        found: dict[str, Any] = json.loads(_schema_of(self.params_model))
        return found

    def template(self) -> dict[str, Any]:
        """A job that works as it stands."""
        return {"operation": self.name, "params": dict(self.example)}


@lru_cache(maxsize=1024)
def _schema_of(model: type[BaseModel]) -> str:
    """As text, so that whoever asked may do with it what they like."""
    return json.dumps(model.model_json_schema())


_collected: ContextVar[list[Operation] | None] = ContextVar("trafficjobs_collected", default=None)
_built_in: list[Operation] = []


def operation(
    *,
    name: str = "",
    params: type[BaseModel] | None = None,
    title: str = "",
    needs_data: bool = True,
    external_effects: bool = False,
    memory_limit: int | None = None,
    timeout: float | None = None,
    cache: bool | None = None,
    concurrency: int | None = None,
    rate: str | None = None,
    direct: bool | None = None,
    hidden: bool = False,
    example: Mapping[str, Any] | None = None,
) -> Callable[[Function], Function]:
    """Register a function `(df, **params)`, or `(**params)` where `needs_data=False`.

    Args:
        name: the function's own name when left out.
        params: model of the parameters; made from the annotated signature when left out.
        memory_limit: bytes that a run may allocate, within the worker's own limit.
        timeout: seconds.
        cache: whether its result may be taken for another job with the same parameters and data; by default where it needs data.
        concurrency: how many of its jobs run at once, over all workers.
        rate: how many of them start within a time, over all workers: `10/m`, `100/h`, `5/30s`.
        direct: whether `GET /<name>` runs it within a request, whoever may read. By default where it has neither effects outside
            nor a limit of its own, which a request would not keep.
        example: parameters for the templates; must be valid.

    Returns:
        The function itself, unchanged.

    Raises:
        TypeError, ValueError: the function cannot be an operation; the message says why.
    """

    def register(function: Function) -> Function:
        named = name or function.__name__
        if not _NAME.fullmatch(named):
            raise ValueError(f"{named!r} cannot name an operation: use small letters, digits and _, at most 64")
        made = Operation(
            name=named,
            function=function,
            params_model=params or model_of(function, skip_first=needs_data),
            title=title or named.replace("_", " ").capitalize(),
            doc=inspect.getdoc(function) or "",
            needs_data=needs_data,
            external_effects=external_effects,
            memory_limit=memory_limit,
            timeout=timeout,
            cache=cache,
            concurrency=concurrency,
            rate=Rate.parse(rate) if rate is not None else None,
            direct=not (external_effects or memory_limit or timeout or concurrency or rate) if direct is None else direct,
            hidden=hidden,
            example=dict(example or {}),
            source_hash=_source_hash(function),
        )
        check(made)
        registered = _collected.get()
        (_built_in if registered is None else registered).append(made)
        return function

    return register


def _source_hash(function: Callable[..., Any]) -> str:
    """Of the user's file, or of all modules of lib: too wide a net recomputes a result, too narrow a one serves a stale one."""
    path = Path(inspect.getsourcefile(function) or "")
    own = Path(__file__).parent
    files = sorted(own.rglob("*.py")) if path.is_relative_to(own) else [path]
    return _hash_of(tuple(files))


@cache
def _hash_of(files: tuple[Path, ...]) -> str:
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.name.encode() + b"\0" + (path.read_bytes() if path.is_file() else b""))
    return digest.hexdigest()[:16]


class Catalog:
    """The operations of this process, by name. `broken` holds the user's files that could not be used, with the reason."""

    def __init__(self, operations: list[Operation], broken: Mapping[str, str] | None = None) -> None:
        self._operations = {each.name: each for each in operations}
        self.broken: dict[str, str] = dict(broken or {})

    def __iter__(self) -> Iterator[Operation]:
        return iter(self._operations.values())

    def __contains__(self, name: object) -> bool:
        return name in self._operations

    def names(self, hidden: bool = False) -> list[str]:
        """Names in the order of registration, the built-in ones first; hidden ones only on request."""
        return [each.name for each in self if hidden or not each.hidden]

    def get(self, name: str) -> Operation:
        """The operation `name`.

        Raises:
            UnknownOperation: with the nearest name and the list of all.
        """
        if isinstance(name, str) and name in self._operations:
            return self._operations[name]
        names = self.names()
        raise UnknownOperation(
            "operation", f"there is no {str(name)[:80]!r}{did_you_mean(str(name), names)}; there are {', '.join(names)}"
        )

    def validate(self, name: str, params: Mapping[str, Any] | None, coerce: bool = False) -> dict[str, Any]:
        """`get(name).validate(params)`: what is stored with the job."""
        return self.get(name).validate(params, coerce)

    def templates(self) -> dict[str, dict[str, Any]]:
        """A working job for every operation that is offered."""
        return {each.name: each.template() for each in self if not each.hidden}


def load_catalog(operations_dir: Path | None = None) -> Catalog:
    """The built-in operations and those of every `*.py` in `operations_dir`, in the order of the names.

    Names that start with a dot are skipped. A file that cannot be imported without harm, registers nothing, or takes a name
    that is already taken is left out as a whole and listed in `catalog.broken`; the others are there.
    """
    lend_font_list()
    for module in BUILT_IN_MODULES:
        importlib.import_module(module)
    operations = sorted(_built_in, key=lambda each: BUILT_IN_MODULES.index(each.function.__module__))
    broken: dict[str, str] = {}
    try:
        paths = sorted(path for path in operations_dir.iterdir() if _is_ours(path)) if operations_dir is not None else []
    except OSError as error:
        return Catalog(operations, {str(operations_dir): f"OPERATIONS_DIR cannot be read: {error.strerror}"})
    refused = trouble(paths, _load_file)
    for path in paths:
        try:
            found = [] if path in refused else _load_file(path)
            _check_names(found, {each.name for each in operations})
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # SystemExit, and whatever else a file may raise
            broken[path.name] = explain(error, path)
        else:
            operations += found
    return Catalog(operations, broken | {path.name: reason for path, reason in refused.items()})


def _is_ours(path: Path) -> bool:
    return path.suffix == ".py" and not path.name.startswith(".")


def _load_file(path: Path) -> list[Operation]:
    """Import a file, past Python's own cache, which may hold the code of another file of the same size and second."""
    name = f"trafficjobs_operations.{path.stem}"
    module = ModuleType(name)
    module.__file__ = str(path)
    _hash_of.cache_clear()
    with _collecting() as found:
        sys.modules[name] = module  # dataclasses and pickle look a class's module up there
        try:
            exec(compile(path.read_bytes(), str(path), "exec"), vars(module))  # nosec B102 # operators' code, which is what it is for
        except BaseException:
            sys.modules.pop(name, None)
            raise
    if not found:
        raise ValueError("no function in it is decorated with @operation")
    return found


@contextmanager
def _collecting() -> Iterator[list[Operation]]:
    found: list[Operation] = []
    token = _collected.set(found)
    try:
        yield found
    finally:
        _collected.reset(token)


def _check_names(found: list[Operation], taken: set[str]) -> None:
    for each in found:
        if each.name in taken:
            raise ValueError(f"{each.name!r} is the name of another operation already; choose another one")
        taken.add(each.name)


def run(operation: Operation, params: Mapping[str, Any] | None, frame: Any = None) -> Any:
    """Run it: defaults filled in, the frame in front where it is needed, the result as plain JSON.

    Raises:
        InvalidParameters: the stored parameters do not fit this version of the operation.
        JobsError: the result has no JSON form.
        Exception: whatever the operation raises.
    """
    # Stored parameters went through `validate`; a strict second look would still refuse nothing but what changed since.
    filled = parse(operation.params_model, params, coerce=False)
    named = operation.signature.arguments(filled)
    result = operation.function(frame, **named) if operation.needs_data else operation.function(**named)
    return jsonable(result)
