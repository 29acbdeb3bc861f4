"""What `make demo` shows: loads a sample, runs one job of each operation over HTTP, saves a plot, says where to look.

Started by the launcher once the API is ready; `python -m trafficjobs.demo --url http://...` does the same against a
service that runs elsewhere. It uses the Python client, as any program would.
"""

import argparse
import contextlib
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx

from trafficjobs.client import Client
from trafficjobs.errors import TrafficjobsError
from trafficjobs.job import Job
from trafficjobs.terminal import Terminal, shortened, shown

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = "atx_traffic.csv"
PLOT = "plot.png"
SAMPLE_ROWS = 20_000
JOB_LIMIT = 120.0  # seconds


class DemoError(Exception):
    """The service did something that the demonstration did not expect; the message says what."""


def follow(job: Job, terminal: Terminal, label: str) -> Job:
    """Show a job's progress until its end."""
    for record in job.watch(JOB_LIMIT):
        progress = record.get("progress") or {}
        note = progress.get("note") or record["status"]
        terminal.bar(label, progress.get("done") or 0, progress.get("total") or 0, note)
    return job


def make_sample(file: Path, terminal: Terminal) -> None:
    """Write the sample if there is no file yet."""
    if file.exists():
        return
    terminal.line(f"Making {shown(file)}, {SAMPLE_ROWS:,} rows like the portal's")
    command = [sys.executable, "tools/make_sample.py", "--rows", str(SAMPLE_ROWS), "--out", str(file), "--seed", "1"]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if made.returncode:
        raise DemoError(f"tools/make_sample.py failed:\n{made.stderr.strip()}")


def load_sample(client: Client, file: Path, terminal: Terminal) -> None:
    """Upload the sample and wait until it is the data that jobs see."""
    terminal.line(f"Loading {shown(file)} with POST {client.url}/data")
    began = time.monotonic()

    def sent(done: int, total: int | None) -> None:
        terminal.bar("upload", done, total or 0, f"{done / 2**20:.1f} MiB")

    job = follow(client.load(file, progress=sent), terminal, "load")
    _result_line(terminal, "load", job, time.monotonic() - began, 8)
    job.value()


def run_each_operation(client: Client, folder: Path, terminal: Terminal) -> Path | None:
    """Run one job of each operation, in turn; returns where the plot was saved, if any operation drew one."""
    templates = client.templates()
    width = max(len(name) for name in templates)
    terminal.line(f"One job of each operation, through {client.url}/jobs")
    failed: list[str] = []
    plot: Path | None = None
    for name, template in templates.items():
        began = time.monotonic()
        job = follow(client.submit_body(template), terminal, name.ljust(width))
        _result_line(terminal, name, job, time.monotonic() - began, width)
        if job.status != "complete":
            failed.append(f"{name} ({job.id}) ended as {job.status}")
        elif template.get("operation") == "plot":
            plot = folder / PLOT
            plot.write_bytes(job.picture().content)
    if failed:
        raise DemoError("; ".join(failed))
    return plot


def _result_line(terminal: Terminal, name: str, job: Job, seconds: float, width: int) -> None:
    good = job.status == "complete"
    outcome = job.record.get("result") if good else (job.record.get("error") or job.record.get("result"))
    text = json.dumps(outcome, ensure_ascii=False, separators=(", ", ": "))
    head = f"{name.ljust(width)}  {seconds * 1000:6.0f} ms  "
    mark = terminal.good("✓") if good else terminal.bad("✗")
    terminal.line(f"  {mark} {head}{terminal.dim(shortened(text, max(20, terminal.width - len(head) - 5)))}")


def say_where_to_look(url: str, terminal: Terminal, plot: Path | None) -> None:
    """The addresses and one command to try next."""
    pages = [("dashboard", "/"), ("API, to try out", "/docs"), ("operations", "/operations"), ("metrics", "/metrics")]
    rows = [(about, url + path) for about, path in pages if httpx.get(url + path, follow_redirects=True).is_success]
    if plot:
        rows.append(("plot", shown(plot)))
    terminal.line("Look at")
    terminal.table(rows)
    job = json.dumps({"operation": "top_locations", "params": {"n": 3}})
    terminal.line("or type in another terminal")
    terminal.line(f"  curl -s {url}/jobs -H 'Content-Type: application/json' -d '{job}'")


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
    sample: Path = options.data_dir.resolve() / SAMPLE
    try:
        make_sample(sample, terminal)
        with Client(options.url) as client:
            load_sample(client, sample, terminal)
            plot = run_each_operation(client, sample.parent, terminal)
        say_where_to_look(client.url, terminal, plot)
        terminal.line(f"All of this took {time.time() - began:.1f} s. The service stays up until Ctrl-C.")
    except (DemoError, TrafficjobsError, httpx.HTTPError) as error:
        terminal.line(terminal.bad(f"The demonstration stopped: {error}"))
        return 1
    return 0


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        sys.exit(main())
