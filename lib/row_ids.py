"""Report ids for files that have none, made from what the rows say.

Cleaning calls it. The same rows get the same ids in every load, so that appending a file twice adds nothing.
"""

import hashlib
from collections import Counter

import pyarrow as pa


def made_ids(columns: list[pa.Array], rows: int) -> pa.Array:
    """`made_` and a digest of the row; the second of two equal rows ends in `_2`, for equal rows may be two incidents."""
    seen: Counter[bytes] = Counter()
    ids = []
    for values in zip(*(column.to_pylist() for column in columns), strict=True):
        digest = hashlib.sha256(repr(values).encode()).digest()[:12]
        seen[digest] += 1
        ids.append(f"made_{digest.hex()}" + (f"_{seen[digest]}" if seen[digest] > 1 else ""))
    return pa.array(ids, pa.string()) if rows else pa.array([], pa.string())
