"""The kinds of problems: each with its type, title and status for good, what it means, and what to do about it.

`services.api.problems` makes answers of them, `/problems/<slug>` shows them, and the OpenAPI document names them.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """A type of problem. Its URI is `/problems/<slug>`."""

    slug: str
    status: int
    title: str
    meaning: str = ""
    remedy: str = ""

    @property
    def uri(self) -> str:
        """The `type` of its problems."""
        return f"/problems/{self.slug}" if self.slug else "about:blank"


INVALID_JSON = Kind(
    "invalid-json",
    400,
    "The body is not JSON",
    "The body is empty, is no JSON, or is not encoded in UTF-8. Its Content-Type does not matter.",
    "detail says where reading stopped. A single quote, a comma before a closing bracket and NaN are the usual causes.",
)
INVALID_INPUT = Kind(
    "invalid-input",
    400,
    "The request has the wrong shape",
    "A field, query parameter or header is not what this route takes; errors lists all of them.",
    "Correct what errors names; /docs shows what each route takes. Sent again unchanged, it is refused again.",
)
BAD_REQUEST = Kind(
    "bad-request",
    400,
    "The request cannot be read",
    "The body broke off, its framing is broken, or a form cannot be read.",
    "Send it again; if it happens every time, look at what stands between client and service.",
)
UNAUTHORIZED = Kind(
    "unauthorized",
    401,
    "A token is needed",
    "The request has no token, or one that is not in the file of tokens (any more).",
    "Send Authorization: Bearer <token>. `trafficjobs token new NAME --role submit` makes one for TOKENS_FILE.",
)
FORBIDDEN = Kind(
    "forbidden",
    403,
    "The token may not do this",
    "The token is known, and its role does not reach so far, or the job belongs to somebody else.",
    "detail names the role that is wanted. view reads, submit submits and changes its own jobs, admin does everything.",
)
CROSS_SITE = Kind(
    "cross-site",
    403,
    "A page of another site sent this",
    "Something would be changed, and nothing shows that a page of this service asks for it: where nobody has to sign in, the"
    " browser names another origin (a port or subdomain is one); with the dashboard's cookie, the form's token is missing or"
    " old.",
    "Load the page again and repeat it there. Scripts send Authorization, and no cookie.",
)
FOREIGN_HOST = Kind(
    "foreign-host",
    403,
    "The service is not known by this name",
    "The Host header has a name that is none of the service's: a page of another site may have pointed it here.",
    "Ask under localhost or an address, or have whoever runs the service name the host in TRUSTED_HOSTS.",
)
NOT_FOUND = Kind(
    "not-found", 404, "There is nothing at this address", "No route, or no such thing on it.", "GET / lists the routes."
)
NO_DATA = Kind(
    "no-data",
    404,
    "No data is loaded yet",
    "The operation needs the incidents, and none were loaded yet.",
    "Send a file to POST /data, and wait until its job is complete.",
)
UNKNOWN_JOB = Kind(
    "unknown-job",
    404,
    "There is no such job",
    "No job has this id: it never existed, it was deleted, or it expired so long ago that this is forgotten.",
    "Compare the id. GET /jobs lists those that are there.",
)
METHOD_NOT_ALLOWED = Kind(
    "method-not-allowed", 405, "Method Not Allowed", "The address exists, for other methods.", "The header Allow lists them."
)
NOT_ACCEPTABLE = Kind(
    "not-acceptable",
    406,
    "Not available in the form asked for",
    "What is there fits none of the types in Accept.",
    "detail lists the types that are there.",
)
CANCELLED = Kind(
    "job-cancelled",
    409,
    "The job was cancelled and has no result",
    "A cancelled job has no result.",
    "POST /jobs/<id>/retry runs it again.",
)
CONFLICT = Kind(
    "conflict",
    409,
    "The request contradicts what is stored",
    "An id or Idempotency-Key that stands for another job, or a job or version in a state that does not allow this.",
    "detail says which. Read the job again before you try anything else.",
)
UNKNOWN_SCHEDULE = Kind(
    "unknown-schedule",
    404,
    "There is no such schedule",
    "No schedule has this id: it was deleted, or never made.",
    "GET /schedules lists them.",
)
UNKNOWN_WORKER = Kind(
    "unknown-worker",
    404,
    "There is no such worker",
    "No worker of this name beats: it has stopped, or never was. A worker that starts again has another name.",
    "GET /workers lists those that beat.",
)
UNKNOWN_BATCH = Kind(
    "unknown-batch",
    404,
    "There is no such batch",
    "No batch has this id: it never was, or it ended so long ago that it has expired.",
    "GET /batches lists them.",
)
EXPIRED = Kind(
    "job-expired",
    410,
    "The job has expired",
    "The job had ended, and the time for which it is kept is over: its result, log and files are removed.",
    "Submit it again; result_ttl says for how many seconds a job is kept.",
)
TOO_LARGE = Kind(
    "too-large",
    413,
    "The body is too large",
    "The body is larger than MAX_BODY_BYTES, or the upload larger than MAX_UPLOAD_BYTES.",
    "Send less, or have the limit raised.",
)
TOO_LONG_ADDRESS = Kind(
    "address-too-long",
    414,
    "The address is too long",
    "The address with its query string is longer than 8,190 bytes.",
    "Ask for less at once; POST /jobs takes the same parameters in a body.",
)
TOO_LARGE_HEAD = Kind(
    "head-too-large",
    431,
    "The headers are too large",
    "The head of the request is larger than 16 KiB, or one of its headers longer than 8,190 bytes.",
    "Send fewer or shorter headers; cookies of other services are the usual cause.",
)
TOO_SLOW = Kind(
    "too-slow",
    408,
    "The body did not come in time",
    "The body that was announced had not come within a minute.",
    "Send it again; Content-Length must be the number of bytes that follow.",
)
ENCODED_BODY = Kind(
    "encoded-body",
    415,
    "The body is compressed",
    "The upload has a Content-Encoding, such as gzip.",
    "Send the file as it is, without the header: a small one could unpack to any size.",
)
UNREADABLE_FILE = Kind(
    "unreadable-file",
    422,
    "The file is no file of incidents",
    "The upload is empty, compressed, binary, not UTF-8, or has no columns of incidents. What came of it was dropped.",
    "detail says what was found and where. CSV, JSON and JSON lines as the city's portal writes them are read.",
)
UNREADABLE_BACKUP = Kind(
    "unreadable-backup",
    422,
    "The file is no whole backup",
    "What was sent is no backup of trafficjobs, is cut off or damaged, or was made by a newer version. Nothing was changed.",
    "detail says which. `gzip -t FILE` tells whether the file itself is whole; if so, send it again.",
)
INVALID_PARAMETERS = Kind(
    "invalid-parameters",
    422,
    "The parameters do not fit the operation",
    "The shape is right, and parameters of the operation are missing, unknown or of the wrong type; errors lists all.",
    "GET /operations/<name> has their schema, GET /templates a body that works.",
)
UNKNOWN_OPERATION = Kind(
    "unknown-operation", 422, "There is no such operation", "No operation has this name.", "GET /operations lists them."
)
UNKNOWN_PARENT = Kind(
    "unknown-parent",
    422,
    "A job that it depends on is not there",
    "depends_on names a job that never was, was deleted, or has expired.",
    "Submit that one first, or leave it out; jobs of one batch may name each other in any order.",
)
UNKNOWN_QUEUE = Kind(
    "unknown-queue", 422, "There is no such queue", "No queue has this name.", "GET /queues lists those that are configured."
)
QUOTA_EXCEEDED = Kind(
    "quota-exceeded",
    429,
    "The quota is used up",
    "The token has as many jobs that have not ended, or has sent as many in this minute, as its line in TOKENS_FILE allows.",
    "Try again after Retry-After seconds, or have the quota raised.",
)
QUEUE_FULL = Kind(
    "queue-full",
    429,
    "The queue is full",
    "As many jobs wait as QUEUE_LIMIT allows. Nothing was queued.",
    "Send it again after Retry-After seconds, with the same Idempotency-Key.",
)
QUEUE_DRAINING = Kind(
    "queue-draining",
    409,
    "The queue accepts nothing",
    "An admin drains the queue: what stands in it runs to its end, and nothing comes in. Nothing was queued.",
    "Submit to another queue, or wait until POST /queues/<name>/open.",
)
TOO_MANY_ATTEMPTS = Kind(
    "too-many-attempts",
    429,
    "Too many wrong tokens",
    "Many wrong tokens came from this address within a minute. Right ones are let through all the time.",
    "Wait for Retry-After seconds.",
)
OPERATION_FAILED = Kind(
    "operation-failed",
    500,
    "The operation failed",
    "The operation itself raised an error, which detail repeats.",
    "Other parameters may work. As a job, it leaves its traceback in the record.",
)
INTERNAL = Kind(
    "internal-error",
    500,
    "Something went wrong in the service",
    "A fault of the service.",
    "The service's log has more under the request_id.",
)
STORE_FULL = Kind(
    "store-full",
    503,
    "Redis is full",
    "Redis is at its memory limit. Jobs that are there still run and end.",
    "Send it again after Retry-After seconds; give Redis more memory if it stays so.",
)
STORE_UNAVAILABLE = Kind(
    "store-unavailable",
    503,
    "Redis is not available",
    "Redis does not answer, is loading its data, or refuses writes. Whether a submit was accepted is not known.",
    "Send it again after Retry-After seconds; with the same id or Idempotency-Key, nothing is doubled.",
)
TOO_MANY_STREAMS = Kind(
    "too-many-streams",
    503,
    "Too many streams are open",
    "Streams and requests that wait may hold half of the service's threads, so that the rest is answered at once.",
    "Connect again after Retry-After seconds, or ask for the record now and then.",
)
TOO_MANY_PICTURES = Kind(
    "too-many-pictures",
    503,
    "Too many pictures are being drawn",
    "Drawing takes a thread for a while; a few may do so at once, so that the rest is answered.",
    "Ask again after Retry-After seconds, or submit it as a job, which keeps its picture.",
)
TOO_BUSY = Kind(
    "too-busy",
    503,
    "Too many requests wait already",
    "More requests came than the service can answer. This one was not looked at; nothing was queued.",
    "Send it again after Retry-After seconds. If it stays so, give the API more replicas (chart: api.replicas).",
)
NO_DATA_FILE = Kind(
    "no-data-file",
    404,
    "The data file is not there",
    "POST /data came without a body, and DATA_FILE cannot be read.",
    "Send the file as the body, or put it where DATA_FILE says.",
)

KINDS: dict[str, Kind] = {value.slug: value for value in list(globals().values()) if isinstance(value, Kind)}
