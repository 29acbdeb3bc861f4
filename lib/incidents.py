"""The incidents as a frame, for notebooks and shells: `from lib import incidents; df = incidents.load()`.

It is the frame that the workers give to operations: the current version of the data, mapped from a file. Settings are read
from the environment (REDIS_IP and what docs/settings.md has beside it) on first use. A file is read and cleaned as a load does.
"""

import functools
from pathlib import Path

import pandas as pd

from lib.cleaning import clean
from lib.columns import frame
from lib.connections import connect
from lib.dataset import Dataset
from lib.errors import InvalidInput
from lib.incidents_file import read_incidents
from lib.settings import load_settings
from lib.versions import DatasetStore


def load(file: str | Path | None = None, *, version: str | None = None) -> pd.DataFrame:
    """The current version of the data, another one that is kept, or a file of incidents; its columns are those of `lib.columns`.

    Args:
        file: a CSV, JSON or JSON lines; the report of its cleaning is `df.attrs["report"]`, and nothing is stored.
        version: id of a version, as `trafficjobs data versions` lists them.

    Raises:
        NoData: nothing is loaded, or the version is not kept any more.
        InvalidInput: the file cannot be read, or is no file of incidents.
        redis.RedisError: Redis does not answer.
    """
    if file is None:
        return _dataset().frame(version)[0]
    if version is not None:
        raise InvalidInput("version", "is of data that was loaded; a file has none, so give one of the two")
    try:
        with Path(file).open("rb") as stream:
            table, report = clean(read_incidents(stream), load_settings().timezone)
    except OSError as error:
        raise InvalidInput("file", f"{file} cannot be read: {error.strerror}") from None
    df = frame(table)
    df.attrs["report"] = report.to_dict()
    return df


@functools.cache
def _dataset() -> Dataset:
    settings = load_settings()
    return Dataset(DatasetStore(connect(settings, settings.redis_db), settings), None, settings)
