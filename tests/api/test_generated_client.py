"""A client that a generator makes from the document of a running service works: it signs in, submits, waits, reads and lists."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.api.schema_run import TOKEN, service
from tests.servers import Server

PROGRAM = """
import json, sys, time
import generated_client as g

url, token = sys.argv[1:]
with g.ApiClient(g.Configuration(host=url, access_token=token)) as api:
    jobs, results = g.JobsApi(api), g.ResultsApi(api)
    wanted = g.TopLocationsJob(operation="top_locations", params=g.TopLocationsParams(n=1))
    first, again = (jobs.jobs_submit(g.JobsSubmitRequest(wanted), idempotency_key="once") for _ in range(2))
    give_up = time.monotonic() + 30
    while jobs.jobs_get(first.id).status != "complete" and time.monotonic() < give_up:
        time.sleep(0.05)
    told = {
        "same": again.id == first.id,
        "by": first.by,
        "result": results.results_result(first.id).actual_instance,
        "listed": [each.id for each in jobs.jobs_index(operation="top_locations").jobs] == [first.id],
        "queues": [each.name for each in g.QueuesApi(api).queues_index().queues],
    }
    try:
        other = g.TopLocationsJob(operation="top_locations", id=first.id, timeout=60)
        jobs.jobs_submit(g.JobsSubmitRequest(other))
    except g.ApiException as error:
        told["refused"] = error.status
print(json.dumps(told))
"""


@pytest.mark.nightly
@pytest.mark.once
@pytest.mark.timeout(300)
def test_a_client_generated_from_the_document_submits_waits_and_reads(server: Server, tmp_path: Path) -> None:
    made = tmp_path / "made"
    with service(server, tmp_path, sign_in=True) as api:
        options = ["-g", "python", "-i", f"{api.url}/openapi.json", "-o", str(made), "--package-name", "generated_client"]
        command = [str(Path(sys.executable).with_name("openapi-generator-cli")), "generate", *options]
        generated = subprocess.run(command, capture_output=True, text=True, timeout=200)
        assert generated.returncode == 0, generated.stderr[-2_000:]
        program = [sys.executable, "-c", PROGRAM, api.url, TOKEN]
        done = subprocess.run(program, env=os.environ | {"PYTHONPATH": str(made)}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "same": True,
        "by": "tester",
        "result": {"top_locations": {"E RIVERSIDE DR & S CONGRESS AVE": 2}},
        "listed": True,
        "queues": ["job-queue"],
        "refused": 409,
    }
