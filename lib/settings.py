"""All settings of API, upkeep and worker, read once from the environment.

Each field is an environment variable of the same name in capitals. Nothing else in the project reads the environment
for configuration; everything below is passed on. A value that does not fit raises `SettingsError` with the name of the
variable and the remedy, before anything is started.
"""

import os
import re
import socket
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
from pydantic import AliasChoices, BeforeValidator, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from redis.connection import parse_url

from lib.egress import ADDRESS, check_allowed
from lib.hidden import hidden
from lib.rates import OperationLimit
from lib.signing import secrets_of
from lib.sources import check_source
from lib.zones import check_zone

# Queue names become parts of keys (`<queue>.leases`); these, the beginnings of our other keys, would collide with them when both
# databases are one.
RESERVED_QUEUE_NAMES = frozenset(
    [
        "jobs",
        "job",
        "events",
        "failures",
        "history",
        "metrics",
        "noted",
        "workers",
        "worker",
        "control",
        "idempotency",
        "cache",
        "schedule",
        "schedules",
        "batch",
        "batches",
        "dependents",
        "limit",
        "rate",
        "quota",
        "unique",
        "deliveries",
        "delivery",
        "uploads",
        "upkeep",
        "data",
        "session",
        "bell",
        "holds",
        "closed",
        "idle",
        "paused",
        "front",
        "dead",
        "draining",
        "damaged",
        "readyz",
        "restore",
        "restoring",
    ]
)
_PATH = re.compile(r"(/(?!\.{1,2}(/|\Z))[A-Za-z0-9._~-]{1,64}){1,8}\Z")
_SCALED = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:(keda|hpa))?\Z")
_QUEUE_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")


class SettingsError(Exception):
    """A setting in the environment has a value that cannot be used."""


def _comma_list(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _json(value: Any) -> Any:
    try:
        return orjson.loads(value) if isinstance(value, str) else value
    except orjson.JSONDecodeError as error:
        raise ValueError(f"is not JSON: {error}") from None


CommaList = Annotated[list[str], NoDecode, BeforeValidator(_comma_list)]


def address(text: str, port: int) -> tuple[str, int]:
    """Host and port of `host:port`, `[v6]:port` or `host`, which takes the port given here. Raises ValueError."""
    found = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9_.-]+))(?::(\d{1,5}))?", text)
    number = int(found[3] or port) if found else 0
    if not found or not 0 < number < 65536:
        raise ValueError(f"{text!r} is not host:port")
    return found[1] or found[2], number


class Settings(BaseSettings):
    """One typed object with everything that can be set. Units are in the descriptions."""

    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore", populate_by_name=True, allow_inf_nan=False)

    # Redis
    redis_ip: str = Field("127.0.0.1", validation_alias=AliasChoices("REDIS_IP", "REDIS_HOST"), description="Host of Redis.")
    redis_port: int = Field(6379, ge=1, le=65535, description="Port of Redis.")
    redis_username: str | None = Field(None, description="ACL user.")
    redis_password: str | None = Field(None, repr=False, description="Password of the ACL user, or of the default user.")
    redis_url: str | None = Field(
        None, repr=False, description="redis://, rediss:// or unix:// URL; wins over host, port and login."
    )
    redis_sentinels: CommaList = Field(
        default_factory=list,
        description="host:port of each sentinel, comma-separated (port 26379 by default); they name the Redis to use,"
        " also after a failover.",
    )
    redis_sentinel_master: str = Field("mymaster", description="Name under which the sentinels know it.")
    redis_sentinel_username: str | None = Field(None, description="ACL user at the sentinels.")
    redis_sentinel_password: str | None = Field(None, repr=False, description="Password at the sentinels.")
    redis_cluster: CommaList = Field(
        default_factory=list,
        description="host:port of some nodes of a Redis Cluster, comma-separated (port 6379 by default). All keys lie in one"
        " slot: REDIS_DB and QUEUE_DB are 0, and KEY_PREFIX has braces, as `{tj}:`.",
    )
    redis_tls: bool = Field(False, description="Speak TLS to Redis. A rediss:// URL says so itself.")
    redis_ca_file: Path | None = Field(None, description="CA certificates for Redis's own, with TLS; the system's by default.")
    redis_db: int = Field(0, ge=0, description="Database of the records.")
    queue_db: int = Field(1, ge=0, description="Database of the queues; may be the same as REDIS_DB.")
    redis_timeout: float = Field(5.0, gt=0, description="Seconds without an answer after which a command counts as lost.")
    key_prefix: str = Field("", description="Stands before every key of ours; for several releases in one Redis.")
    durability: Literal["everysec", "strict"] = Field(
        "everysec", description="strict: submit and finish return only once the AOF is on disk (Redis 7.2+; about 100 ms each)."
    )
    strict_replicas: int = Field(
        0, ge=0, description="With DURABILITY=strict: replicas of Redis that must have it on disk, too; for failovers."
    )

    # Queues
    queue_name: str = Field("job-queue", description="The default queue.")
    queues: CommaList = Field(default_factory=list, description="Further queues, comma-separated.")
    adopt_queues: CommaList = Field(default_factory=list, description="Foreign HotQueues to serve as well, never prefixed.")
    queue_limit: int = Field(100_000, ge=1, description="Jobs that may wait in one queue; beyond it submit answers 429.")

    # Jobs
    lease_seconds: float = Field(30.0, gt=0, description="A claim not renewed for so long is given to another worker.")
    job_timeout: float = Field(600.0, gt=0, description="Seconds a run may take where the job does not say otherwise.")
    max_timeout: float = Field(86_400.0, gt=0, description="Largest timeout a job may ask for, seconds.")
    max_crashes: int = Field(2, ge=0, description="Seen deaths of its process that a job survives.")
    max_lost: int = Field(5, ge=0, description="Leases that may end without evidence before the job fails.")
    result_ttl: int = Field(7 * 86_400, ge=1, description="Seconds a completed or cancelled job is kept.")
    failed_ttl: int = Field(30 * 86_400, ge=1, description="Seconds a failed job is kept.")
    result_cache: bool = Field(True, description="Answer a job from the result of an equal one, where the operation allows it.")
    operation_limits: Annotated[dict[str, OperationLimit], NoDecode, BeforeValidator(_json)] = Field(
        default_factory=dict,
        description="JSON: how many jobs of an operation run at once and start within a time, over all workers, such as"
        ' {"plot": {"concurrency": 2, "rate": "100/h"}}; wins over what the operation says itself.',
    )
    unserved_ttl: int = Field(86_400, ge=1, description="Seconds a job waits for a worker that knows its operation.")
    max_result_bytes: int = Field(16 * 2**20, ge=1024, description="Largest JSON result of a job.")
    max_files_bytes: int = Field(64 * 2**20, ge=1024, description="Largest sum of the files of a job.")

    # Upkeep
    upkeep_interval: float = Field(1.0, gt=0, description="Seconds between two rounds of upkeep.")
    verify_interval: float = Field(600.0, gt=0, description="Seconds between two comparisons of lists and records.")

    # API
    host: str = Field("127.0.0.1", description="Address that the API, and the worker's /healthz, listen on.")
    port: int = Field(5000, ge=1, le=65535, description="Port of the API.")
    path_prefix: str = Field("", description="Path before all addresses of the API, where a proxy serves others as well: `/tj`.")
    api_workers: int = Field(2, ge=1, description="gunicorn processes.")
    api_threads: int = Field(8, ge=2, description="Threads per gunicorn process.")
    max_body_bytes: int = Field(2**20, ge=1024, description="Largest JSON body.")
    max_batch_bytes: int = Field(16 * 2**20, ge=1024, description="Largest JSON body of a batch of jobs.")
    max_upload_bytes: int = Field(2**30, ge=1024, description="Largest upload to /data.")

    # Sign-in
    tokens_file: Path | None = Field(
        None,
        description="Who may sign in: `<name> <role> <sha256 of the token>` a line, and perhaps `pending=<jobs not ended>` and"
        " `per_minute=<submits>` as its quota; may change while running.",
    )
    session_ttl: float = Field(43_200, ge=60, description="Seconds for which a sign-in to the dashboard lasts.")
    auth: Literal["auto", "on", "off"] = Field(
        "auto",
        description="Sign-in. auto: on where TOKENS_FILE is set, else off on a loopback HOST and no start elsewhere."
        " off: everybody who reaches the port may do everything.",
    )
    trusted_hosts: CommaList = Field(
        default_factory=list,
        description="Names under which the API may be asked (the Host header), comma-separated; `.example.org` is all below it."
        " Addresses and localhost always are. Without it any name is, but on a loopback HOST where nobody signs in: there none.",
    )
    metrics_token: str | None = Field(
        None, repr=False, description="Bearer token that /metrics wants; without it /metrics is open."
    )

    # Dashboard
    scaler_view: CommaList = Field(
        default_factory=list,
        description="In Kubernetes: Deployments of workers whose scaling the dashboard shows: `<deployment>`, with `:keda` or"
        " `:hpa` after it where one scales it; needs the right to read them.",
    )

    # When a job ends
    webhook_secret: str | None = Field(
        None,
        repr=False,
        description="Signs webhooks: `whsec_<base64>`, several separated by spaces, which all sign. Without it there are none.",
    )
    webhook_allow: CommaList = Field(
        default_factory=list,
        description="Where webhooks may go although it is not public: host names (`.svc` with all below it) and networks.",
    )
    smtp_host: str | None = Field(None, description="Mail server that takes e-mails about jobs. Without it there are none.")
    smtp_port: int = Field(587, ge=1, le=65535, description="Port of the mail server.")
    smtp_tls: Literal["starttls", "tls", "off"] = Field("starttls", description="How the mail server is spoken to.")
    smtp_username: str | None = Field(None, description="Login at the mail server.")
    smtp_password: str | None = Field(None, repr=False, description="Its password.")
    smtp_from: str | None = Field(None, description="Sender of the e-mails: `jobs@example.org`, or `Jobs <jobs@example.org>`.")
    email_allow: CommaList = Field(default_factory=list, description="Domains that e-mails may go to; all by default.")
    public_url: str = Field(
        "", description="Address under which people reach the API, such as https://jobs.example.org; for links in what is sent."
    )

    # Data and operations
    data_file: Path = Field(Path("data/atx_traffic.csv"), description="The CSV that `POST /data` without a body loads.")
    data_urls: CommaList = Field(
        default_factory=list,
        description="From where `POST /data?url=...` may load: hosts (`data.austintexas.gov`; `.example.org` is all below it), or"
        " beginnings of URLs (`https://example.org/exports/`). Empty: from nowhere.",
    )
    data_urls_allow: CommaList = Field(
        default_factory=list,
        description="Which of these may be private: host names (`.svc` with all below it) and networks.",
    )
    data_cache: Path | None = Field(None, description="Folder for the mapped Arrow file; a temporary one by default.")
    timezone: str = Field("America/Chicago", description="IANA zone in which days and hours are counted.")
    operations_dir: Path | None = Field(None, description="Folder of Python files with operations of your own.")

    # Worker
    worker_children: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1, description="Jobs run at once.")
    worker_queues: CommaList = Field(default_factory=list, description="Queues this worker serves; all by default.")
    worker_name: str = Field(default_factory=socket.gethostname, description="Name of the worker; the pod's name in Kubernetes.")
    worker_state_dir: Path | None = Field(None, description="Folder for marks that outlive a crash (an emptyDir).")
    worker_port: int = Field(0, ge=0, le=65535, description="Port of the worker's /healthz and /metrics; 0: none.")
    worker_grace: float = Field(30.0, gt=0, description="Seconds after SIGTERM in which running jobs may end.")
    deletion_cost: bool = Field(
        False,
        description="In Kubernetes: write the number of running jobs to the pod's deletion cost; needs the right to patch pods.",
    )
    pod_namespace: str = Field("default", description="Namespace of the pod, for DELETION_COST and SCALER_VIEW.")
    child_max_jobs: int = Field(10_000, ge=1, description="Jobs after which a child is replaced.")
    child_max_bytes: int = Field(2**30, ge=2**20, description="Resident bytes above which a child is replaced.")
    memory_limit: int = Field(
        0, ge=0, description="Bytes a job may allocate beyond its process's start, whatever its operation allows; 0: no limit."
    )
    idle_wait: float = Field(10.0, gt=0, description="Seconds an idle child waits for its bell before it registers again.")

    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="What is logged, from this level on.")

    @field_validator("redis_port", "port", mode="before")
    @classmethod
    def _no_service_link(cls, value: Any) -> Any:
        if isinstance(value, str) and "://" in value:
            raise ValueError(
                f"is {value!r}, which Kubernetes injects for a Service of that name; set enableServiceLinks: false, or the port"
            )
        return value

    @field_validator("auth", "log_level", "smtp_tls", mode="before")
    @classmethod
    def _lower(cls, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value

    @field_validator("key_prefix")
    @classmethod
    def _plain_prefix(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9_:{}.-]{0,64}", value):
            raise ValueError("may hold letters, digits and _ : { } . - only, at most 64")
        return value

    @field_validator("redis_sentinels", "redis_cluster")
    @classmethod
    def _addresses(cls, value: list[str]) -> list[str]:
        for each in value:
            address(each, 1)
        return value

    @field_validator("redis_url")
    @classmethod
    def _url_of_redis(cls, value: str | None) -> str | None:
        try:
            parse_url(value or "redis://")  # type: ignore[no-untyped-call]
        except ValueError:  # whose words may hold a part of the password
            raise ValueError(
                "is no redis://, rediss:// or unix:// URL; within a user name or password write / ? # [ ] @ : % as %2F and so on"
            ) from None
        return value

    @field_validator("path_prefix")
    @classmethod
    def _path(cls, value: str) -> str:
        value = value.rstrip("/")
        if value and not _PATH.match(value):
            raise ValueError("must be a path such as /incidents, of letters, digits, - . _ ~ and slashes")
        return value

    @field_validator("scaler_view")
    @classmethod
    def _deployments(cls, value: list[str]) -> list[str]:
        for each in value:
            if not _SCALED.match(each):
                raise ValueError(f"{each!r} is not <deployment>, <deployment>:keda or <deployment>:hpa")
        return value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        return check_zone(value)

    @field_validator("webhook_secret")
    @classmethod
    def _signing_keys(cls, value: str | None) -> str | None:
        if not value:
            return None  # an empty one that was hidden
        if not secrets_of(value):
            raise ValueError("is set and holds no key; leave it unset or empty where there are to be no webhooks")
        return value

    @field_validator("data_urls")
    @classmethod
    def _hosts_and_urls(cls, value: list[str]) -> list[str]:
        for each in value:
            check_source(each)
        return value

    @field_validator("webhook_allow", "data_urls_allow")
    @classmethod
    def _names_and_networks(cls, value: list[str]) -> list[str]:
        for each in value:
            check_allowed(each)
        return value

    @field_validator("public_url")
    @classmethod
    def _address(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError(f"is {value!r}, which must begin with https:// or http://")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _mail_has_a_sender(self) -> "Settings":
        if self.smtp_host is not None and not ADDRESS.match(parseaddr(self.smtp_from or "")[1]):
            raise ValueError("SMTP_HOST is set; SMTP_FROM must be an address such as jobs@example.org")
        return self

    @model_validator(mode="after")
    def _timeouts_fit(self) -> "Settings":
        if self.job_timeout > self.max_timeout:
            raise ValueError(
                f"JOB_TIMEOUT is {self.job_timeout:g} and MAX_TIMEOUT {self.max_timeout:g} seconds, and no job may take"
                " longer than that; lower JOB_TIMEOUT, or raise MAX_TIMEOUT"
            )
        return self

    @model_validator(mode="after")
    def _one_way_to_redis(self) -> "Settings":
        ways = {"REDIS_URL": self.redis_url, "REDIS_SENTINELS": self.redis_sentinels, "REDIS_CLUSTER": self.redis_cluster}
        given = [name for name, value in ways.items() if value]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} are set, and each says where Redis is; keep one of them")
        return self

    @model_validator(mode="after")
    def _one_slot(self) -> "Settings":
        if not self.redis_cluster:
            return self
        if self.redis_db or self.queue_db:
            raise ValueError("REDIS_CLUSTER: a cluster has one database; set REDIS_DB=0 and QUEUE_DB=0")
        if not re.match(r"[^{}]*\{[^{}]+\}", self.key_prefix):
            raise ValueError("REDIS_CLUSTER: all keys must lie in one slot; set a KEY_PREFIX with braces, such as {tj}:")
        if self.adopt_queues:
            raise ValueError(
                "REDIS_CLUSTER: ADOPT_QUEUES names lists without KEY_PREFIX, which lie in other slots; leave it empty, and have"
                " the programs that push to them push to hotqueue:<KEY_PREFIX><queue>, or submit over HTTP"
            )
        return self

    @model_validator(mode="after")
    def _queues_fit(self) -> "Settings":
        for name in [*self.all_queues, *self.worker_queues]:
            if not _QUEUE_NAME.match(name):
                raise ValueError(f"queue name {name!r} must be 1 to 64 letters, digits, _ or -")
            if name in RESERVED_QUEUE_NAMES:
                raise ValueError(f"queue name {name!r} is a name of a key of ours; take another one")
        unknown = set(self.worker_queues) - set(self.all_queues)
        if unknown:
            raise ValueError(f"WORKER_QUEUES names {sorted(unknown)}, which QUEUE_NAME, QUEUES and ADOPT_QUEUES do not")
        return self

    @property
    def own_queues(self) -> list[str]:
        """Queues that take submissions; the default one first."""
        return list(dict.fromkeys([self.queue_name, *self.queues]))

    @property
    def all_queues(self) -> list[str]:
        """Own queues, then adopted ones."""
        return list(dict.fromkeys([*self.own_queues, *self.adopt_queues]))

    @property
    def served_queues(self) -> list[str]:
        """Queues that a worker with these settings serves, in its order of preference."""
        return self.worker_queues or self.all_queues


# Variables that nobody but the settings is to see.
SECRETS = frozenset(name.upper() for name, field in Settings.model_fields.items() if not field.repr)


def load_settings(**overrides: Any) -> Settings:
    """Read the environment, and what was hidden of it; `overrides` (field names) win.

    Raises:
        SettingsError: naming every variable that does not fit.
    """
    kept = {name.lower(): value for name, value in hidden().items() if name in SECRETS}
    try:
        return Settings(**kept | overrides)
    except ValidationError as error:
        lines = [f"{_variable(e['loc'])}: {e['msg'].removeprefix('Value error, ')}" for e in error.errors()]
        raise SettingsError("; ".join(lines)) from None


def _variable(place: tuple[int | str, ...]) -> str:
    """The variable that an error is about, and the place within it: `OPERATION_LIMITS.plot.rate`."""
    return ".".join([str(place[0]).upper(), *map(str, place[1:])]) if place else "settings"
