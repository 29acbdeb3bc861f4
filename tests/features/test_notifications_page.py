"""The receiver of docs/notifications.md takes what the service sends, and nothing else."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx

from tests.features.conftest import Face
from tests.receivers import SECRET
from tests.servers import free_port
from tests.waiting import until
from tests.workers import ROOT

PAGE = (ROOT / "docs" / "notifications.md").read_text()


def test_the_program_of_the_page_checks_the_signature(face: Face, tmp_path: Path) -> None:
    (program,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    port, out = free_port(), tmp_path / "out.txt"
    url = f"http://127.0.0.1:{port}"
    with out.open("wb") as file:
        command = [sys.executable, "-c", program.replace("8000", str(port))]
        running = subprocess.Popen(command, env=os.environ | {"WEBHOOK_SECRET": SECRET}, stdout=file, stderr=subprocess.DEVNULL)
    try:
        until(lambda: _answers(url), 20, "the program")
        forged = {"webhook-id": "x", "webhook-timestamp": "1", "webhook-signature": "v1,bm8="}
        assert httpx.post(url, content=b"{}", headers=forged, timeout=30).status_code == 400
        job = face.submit("echo", params={"value": "told"}, notify=[{"webhook": url}])
        told = until(out.read_text, 20, "what the program says")
        identity, _, body = told.partition(" ")
        assert identity == f"job_{job['id']}_0_1"
        assert json.loads(body)["data"]["result"] == "told"
        until(lambda: face.client.job(job["id"]).deliveries()[0]["state"] == "delivered", 10, "the delivery")
    finally:
        running.kill()
        running.wait(10)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=30).status_code == 501
    except httpx.TransportError:
        return False


def test_the_body_that_the_page_asks_for_is_taken_as_far_as_it_is_set_up(face: Face) -> None:
    (body,) = (json.loads(each) for each in re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[:1])
    assert [sorted(target) for target in body["notify"]] == [["webhook"], ["email", "on"]]
    job = face.http.post("/jobs", json=body | {"queue": "parked"})
    assert job.status_code == 202, job.text
    face.client.job(job.json()["id"]).delete()
