"""Incidents that follow another one nearby: a crash in the queue behind a crash, or a stalled car where lanes are closed."""

from typing import Annotated, Any

import numpy as np
import pandas as pd
from pydantic import Field

from lib.filters import EVERYTHING, Filters
from lib.operations import log, operation, progress, save_file

METRES_NORTH = 111_195.0  # of one degree
MOST_BETWEEN = 500  # incidents between two that are compared


@operation(title="Secondary incidents", example={"minutes": 30, "metres": 500, "start": "2023-01-01", "end": "2023-01-31"})
def secondary_incidents(
    df: pd.DataFrame,
    minutes: Annotated[int, Field(ge=1, le=240, description="How long after the first one, at most.")] = 60,
    metres: Annotated[float, Field(gt=0, le=5_000, description="How far from the first one, at most.")] = 500,
    where: Filters = EVERYTHING,
) -> dict[str, Any]:
    """How many incidents follow another one within some minutes and metres, by kind.

    An incident counts once, however many it follows. One without a time or a place is left out and counted as `left_out`. The
    file `secondary.csv` names each with the latest one it follows.
    """
    rows = where.rows(df).frame()
    found = rows.dropna(subset=["published", "latitude", "longitude"])
    if left_out := len(rows) - len(found):
        log(f"{left_out} incidents without a time or a place are left out")
    seconds = found["published"].astype("timestamp[us, UTC][pyarrow]").astype("int64[pyarrow]").to_numpy() / 1e6
    north = found["latitude"].to_numpy() * METRES_NORTH
    east = found["longitude"].to_numpy() * METRES_NORTH * np.cos(np.radians(30.27))
    follows = np.full(len(found), -1)
    for back in range(1, min(len(found), MOST_BETWEEN)):  # rows are in the order of time
        soon = seconds[back:] - seconds[:-back] <= 60 * minutes
        if not soon.any():
            break
        near = np.hypot(north[back:] - north[:-back], east[back:] - east[:-back]) <= metres
        later = np.flatnonzero(soon & near) + back
        later = later[follows[later] < 0]
        follows[later] = later - back
        progress(back, MOST_BETWEEN, f"{int((follows >= 0).sum())} found")
    second = np.flatnonzero(follows >= 0)
    ids = found["report_id"].to_numpy()
    pairs = pd.DataFrame({"report_id": ids[second], "follows": ids[follows[second]]})
    save_file("secondary.csv", pairs.to_csv(index=False).encode(), "text/csv")
    kinds = found["issue"].astype(str).iloc[second].value_counts()
    share = len(second) / len(found) if len(found) else None
    return {"incidents": len(found), "secondary": len(second), "share": share, "left_out": left_out, "by_issue": kinds.to_dict()}
