"""The most frequent values of a column. Pure."""

import numpy as np
import pyarrow as pa

from lib.columns import Coded

Counts = dict[str, int]


def top(values: Coded, n: int | None = None) -> Counts:
    """The `n` most frequent values (all for None) with their counts, the most first, equal ones in the order of their names."""
    counts = values.counts()
    present = np.flatnonzero(counts)
    if n is not None and present.size > n:
        at_least = np.cumsum(np.bincount(counts)[::-1])[::-1]  # how many values occur so often or more
        least = np.flatnonzero(at_least >= n)[-1]
        present = np.flatnonzero(counts >= least)  # more than n where the last place is shared
    names = values.values.take(pa.array(present)).to_pylist()
    ranked = sorted(zip(names, counts[present].tolist(), strict=True), key=lambda pair: (-pair[1], pair[0]))
    return dict(ranked[:n])
