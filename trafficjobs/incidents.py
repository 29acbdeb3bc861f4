"""The side of the client that deals with the data: load a file, search the incidents, go back to a version. Part of `Client`."""

import datetime
import uuid
from pathlib import Path
from typing import IO, Any, Generic
from urllib.parse import parse_qs, quote, urlsplit

from trafficjobs import uploads
from trafficjobs.job import J
from trafficjobs.shapes import VersionRecord
from trafficjobs.steps import Item, Items, Steps, call, items
from trafficjobs.submitting import Handles, plain

_PAGE = 1_000  # incidents


class Incidents(Handles[J], Generic[J]):
    """The data of one service."""

    @call
    def load(
        self, source: str | Path | IO[bytes] | None = None, *, mode: str = "replace", progress: uploads.Progress | None = None
    ) -> Steps[J]:
        """Upload a file of incidents (CSV, JSON, JSON lines), or have one downloaded; the job that loads it.

        Args:
            source: a path, or a file opened in binary mode; an https:// or http:// address that the service may download from;
                None loads the file that the service itself is set to.
            mode: replace, or append to what is there.
            progress: called with the bytes sent and, where they are known, those in all.

        Raises: Invalid, Unavailable. What cannot be gone back in, such as a pipe, is not sent again: look by `jobs` then.
        """
        params = {"mode": mode}
        if isinstance(source, str) and uploads.is_address(source):
            params["url"], source = source, None
        with uploads.Upload(source, progress) as upload:
            headers = upload.headers | {"Idempotency-Key": uuid.uuid4().hex}
            options: dict[str, Any] = {"params": params, "headers": headers, "repeatable": upload.rewindable}
            return self._handle((yield from self._transport.json("POST", "/data", body=upload.body, **options)))

    @items
    def data(
        self,
        *,
        search: str | None = None,
        start: datetime.date | str | None = None,
        end: datetime.date | str | None = None,
        issue: str | None = None,
        limit: int | None = None,
    ) -> Items[dict[str, Any]]:
        """Incidents in the order of time, page by page as they are asked for.

        Args:
            search: text in the address or the issue, or the beginning of a report id.
            start, end: first and last local day.
            issue: label of an issue.
            limit: how many at most.

        Raises: Invalid, NotFound where no data is loaded.
        """
        filters = {"search": search, "start": start, "end": end, "issue": issue}
        params = {name: plain(value) for name, value in filters.items() if value is not None}
        left = limit
        while left is None or left > 0:
            page = yield from self._transport.send("GET", "/data", params={**params, "limit": str(min(_PAGE, left or _PAGE))})
            rows = self._transport.decoded(page)
            for row in rows:
                yield Item(row)
            following = parse_qs(urlsplit(page.links.get("next", {}).get("url", "")).query).get("after")
            if not following:
                return
            params["after"] = following[0]
            left = None if left is None else left - len(rows)

    @call
    def incident(self, report_id: str) -> Steps[dict[str, Any]]:
        """One incident. Raises NotFound."""
        found: dict[str, Any] = yield from self._transport.json("GET", f"/data/{quote(report_id, safe='')}")
        return found

    @call
    def versions(self) -> Steps[list[VersionRecord]]:
        """The versions of the data that are kept, the newest first. Raises NotFound where no data is loaded."""
        found: list[VersionRecord] = (yield from self._transport.json("GET", "/data/versions"))["versions"]
        return found

    @call
    def activate(self, version: str) -> Steps[VersionRecord]:
        """Make a version that is kept the current one. Raises NotFound."""
        found: VersionRecord = yield from self._transport.json("POST", f"/data/versions/{quote(version, safe='')}/activate")
        return found

    @call
    def remove_version(self, version: str) -> Steps[None]:
        """Remove a version that is not the current one. Raises NotFound, Conflict."""
        yield from self._transport.delete(f"/data/versions/{quote(version, safe='')}")
