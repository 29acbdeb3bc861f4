"""How large a release is in Redis, and so about what its backup takes: asked before one is made. Reads only."""

from lib.store import Store
from lib.versions import DatasetStore

_SAMPLE = 50  # jobs by which the size of all is estimated
_SAMPLE_BYTES = 4 * 2**20  # of it, after which no further job is read
_BESIDE = 1_000  # bytes that a job takes beside its values: the record itself, and its entries in indexes


def estimated_bytes(store: Store, data: DatasetStore) -> int:
    """What the release takes in Redis, about: data exactly, and jobs by a sample of those submitted last."""
    versions: int = sum(one.bytes for one in store.read(lambda _: data.versions()))
    number: int = store.read(lambda client: client.zcard(f"{store.prefix}jobs"))
    sample = store.run("backup_jobs", "+inf", _SAMPLE, _SAMPLE_BYTES)[1:]
    if not sample:
        return versions
    size = sum(len(value) for job in sample if len(job) > 1 for part in (job[1], job[4]) for value in part)
    return int(versions + (size / len(sample) + _BESIDE) * number)
