"""How long a worker's process takes from its imports to the data, and how long pandas takes to read the same file.

`python -m bench.analysis.start mapped|fetched|pandas <file.csv>` prints seconds as JSON. `fetched` is the first process of a pod,
which brings the data from Redis; `mapped` every other one. Both end with an answer from the data; pandas need not give one.
"""

import json
import sys
import time

import pandas as pd

from lib import analysis
from lib.connections import connect
from lib.dataset import Dataset, DatasetStore
from lib.operations import load_catalog
from lib.settings import load_settings


def ours() -> int:
    """Rows of the data once it is at hand."""
    settings = load_settings()
    df, _ = Dataset(DatasetStore(connect(settings, settings.redis_db), settings), settings.data_cache, settings).frame()
    analysis.unique_issues(df)
    return len(df)


def pandas(path: str) -> int:
    """The same file as the course reads it, with the form of its dates given, which is the fastest."""
    df = pd.read_csv(path)
    name = next(name for name in df.columns if name.startswith("Published"))
    df[name] = pd.to_datetime(df[name], format="%m/%d/%Y %I:%M:%S %p %z", utc=True)
    return len(df)


def main() -> None:
    """Measure and print."""
    load_catalog()
    began = time.perf_counter()
    rows = pandas(sys.argv[2]) if sys.argv[1] == "pandas" else ours()
    print(json.dumps({"seconds": time.perf_counter() - began, "rows": rows}))


if __name__ == "__main__":
    main()
