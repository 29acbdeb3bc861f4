"""What `make demo` shows: loads a sample, runs one job of each operation over HTTP, saves a plot, says where to look.

Started by the launcher once the API is ready; `python -m trafficjobs.demo --url http://...` does the same against a
service that runs elsewhere. It uses nothing but HTTP, as any client would, and every request may be repeated.
"""

import argparse
import contextlib
import json
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from trafficjobs.glances import ENDED
from trafficjobs.terminal import Terminal, shortened, shown

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = "atx_traffic.csv"
PLOT = "plot.png"
SAMPLE_ROWS = 20_000
# Seconds: a request is repeated so long while the service is away; a job may take so long.
PATIENCE = 30.0
JOB_LIMIT = 120.0
# Seconds between the first two looks at a job, and at most; what takes long is looked at less often.
FIRST_GLANCE = 0.005
LAST_GLANCE = 0.1
CHUNK = 1 << 16

Record = dict[str, Any]


class DemoError(Exception):
    """The service did something that the demonstration did not expect; the message says what."""


class Service:
    """The four requests that the demonstration needs, each repeated while the service is away."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = httpx.Client(base_url=url, timeout=PATIENCE)

    def get(self, path: str) -> httpx.Response:
        return self._request("GET", path)

    def has(self, path: str) -> bool:
        """Whether there is such a page; releases differ."""
        return self._client.get(path, follow_redirects=True).is_success

    def submit(self, job: Record) -> Record:
        """Submit a job; the key makes a repeated request harmless."""
        record: Record = self._request("POST", "/jobs", json=job, headers={"Idempotency-Key": uuid.uuid4().hex}).json()
        return record

    def load(self, file: Path, terminal: Terminal) -> Record:
        """Upload a CSV; the answer is the record of the job that loads it."""

        def chunks() -> Iterator[bytes]:
            sent, total = 0, file.stat().st_size
            with file.open("rb") as stream:
                while chunk := stream.read(CHUNK):
                    yield chunk
                    sent += len(chunk)
                    terminal.bar("upload", sent, total, f"{sent / 2**20:.1f} of {total / 2**20:.1f} MiB")

        response = self._client.post("/data", content=chunks(), headers={"Content-Type": "text/csv"})
        record: Record = self._checked(response).json()
        return record

    def finish(self, job: Record, terminal: Terminal, label: str) -> Record:
        """Follow a job to its end and return its last record."""
        end = time.monotonic() + JOB_LIMIT
        glance = FIRST_GLANCE
        while job["status"] not in ENDED:
            if time.monotonic() > end:
                raise DemoError(f"job {job['id']} is still {job['status']} after {JOB_LIMIT:.0f} s")
            time.sleep(glance)
            glance = min(LAST_GLANCE, 1.3 * glance)
            job = self.get(f"/jobs/{job['id']}").json()
            progress = job.get("progress") or {}
            note = progress.get("note") or job["status"]
            terminal.bar(label, progress.get("done") or 0, progress.get("total") or 0, note)
        return job

    def _request(self, method: str, path: str, **options: Any) -> httpx.Response:
        end = time.monotonic() + PATIENCE
        while True:
            try:
                response = self._client.request(method, path, **options)
                if response.status_code != 503 or time.monotonic() > end:
                    return self._checked(response)
            except httpx.TransportError as error:
                if time.monotonic() > end:
                    raise DemoError(f"{method} {self.url}{path}: {error}") from None
            time.sleep(0.2)

    @staticmethod
    def _checked(response: httpx.Response) -> httpx.Response:
        if response.is_success:
            return response
        request = response.request
        raise DemoError(f"{request.method} {request.url} answered {response.status_code}: {shortened(response.text, 300)}")


def make_sample(file: Path, terminal: Terminal) -> None:
    """Write the sample if there is no file yet."""
    if file.exists():
        return
    terminal.line(f"Making {shown(file)}, {SAMPLE_ROWS:,} rows like the portal's")
    command = [sys.executable, "tools/make_sample.py", "--rows", str(SAMPLE_ROWS), "--out", str(file), "--seed", "1"]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if made.returncode:
        raise DemoError(f"tools/make_sample.py failed:\n{made.stderr.strip()}")


def load_sample(service: Service, file: Path, terminal: Terminal) -> None:
    """Upload the sample and wait until it is the data that jobs see."""
    terminal.line(f"Loading {shown(file)} with POST {service.url}/data")
    began = time.monotonic()
    job = service.finish(service.load(file, terminal), terminal, "load")
    _result_line(terminal, "load", job, time.monotonic() - began, 8)
    if job["status"] != "complete":
        raise DemoError(f"the load job {job['id']} ended as {job['status']}")


def run_each_operation(service: Service, folder: Path, terminal: Terminal) -> Path | None:
    """Run one job of each operation, in turn; returns where the plot was saved, if any operation drew one."""
    templates: dict[str, Record] = service.get("/templates").json()
    width = max(len(name) for name in templates)
    terminal.line(f"One job of each operation, through {service.url}/jobs")
    failed: list[str] = []
    plot: Path | None = None
    for name, template in templates.items():
        began = time.monotonic()
        job = service.finish(service.submit(template), terminal, name.ljust(width))
        _result_line(terminal, name, job, time.monotonic() - began, width)
        if job["status"] != "complete":
            failed.append(f"{name} ({job['id']}) ended as {job['status']}")
        elif template.get("operation") == "plot":
            plot = folder / PLOT
            plot.write_bytes(service.get(f"/jobs/{job['id']}/files/{PLOT}").content)
    if failed:
        raise DemoError("; ".join(failed))
    return plot


def _result_line(terminal: Terminal, name: str, job: Record, seconds: float, width: int) -> None:
    good = job["status"] == "complete"
    outcome = job.get("result") if good else (job.get("error") or job.get("result"))
    text = json.dumps(outcome, ensure_ascii=False, separators=(", ", ": "))
    head = f"{name.ljust(width)}  {seconds * 1000:6.0f} ms  "
    mark = terminal.good("✓") if good else terminal.bad("✗")
    terminal.line(f"  {mark} {head}{terminal.dim(shortened(text, max(20, terminal.width - len(head) - 5)))}")


def say_where_to_look(service: Service, terminal: Terminal, plot: Path | None) -> None:
    """The addresses and one command to try next."""
    pages = [("dashboard", "/"), ("API, to try out", "/docs"), ("operations", "/operations"), ("metrics", "/metrics")]
    rows = [(about, service.url + path) for about, path in pages if service.has(path)]
    if plot:
        rows.append(("plot", shown(plot)))
    terminal.line("Look at")
    terminal.table(rows)
    job = json.dumps({"operation": "top_locations", "params": {"n": 3}})
    terminal.line("or type in another terminal")
    terminal.line(f"  curl -s {service.url}/jobs -H 'Content-Type: application/json' -d '{job}'")


def main() -> int:
    """Run the demonstration; 0 when every job completed."""
    parser = argparse.ArgumentParser(prog="python -m trafficjobs.demo", description="Show a running service at work.")
    parser.add_argument("--url", default="http://127.0.0.1:5000")
    parser.add_argument("--data-dir", type=Path, default=ROOT / "data", help="where the sample is, and the plot goes")
    parser.add_argument("--began", type=float, default=None, help="when it all began, seconds since 1970")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    began = time.time() if options.began is None else options.began
    terminal = Terminal()
    service = Service(options.url)
    sample: Path = options.data_dir.resolve() / SAMPLE
    try:
        make_sample(sample, terminal)
        load_sample(service, sample, terminal)
        plot = run_each_operation(service, sample.parent, terminal)
        say_where_to_look(service, terminal, plot)
        terminal.line(f"All of this took {time.time() - began:.1f} s. The service stays up until Ctrl-C.")
    except (DemoError, httpx.HTTPError) as error:
        terminal.line(terminal.bad(f"The demonstration stopped: {error}"))
        return 1
    return 0


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        sys.exit(main())
