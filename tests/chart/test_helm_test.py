"""What `helm test` runs, taken from the rendered ConfigMap, against a real API: it passes where all is well, and only there."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from lib.settings import Settings, load_settings
from tests.chart.rendering import FULL, Chart
from tests.listening import in_thread
from tests.servers import Server
from tests.service import serving
from tests.tokens import line
from tests.workers import Worker

Api = tuple[str, Settings]
TOKEN = "tj_a-token-that-may-submit"


@pytest.fixture
def script(chart: Chart, tmp_path: Path) -> Path:
    path = tmp_path / "helm-test.py"
    path.write_text(chart.render().get("ConfigMap", f"{FULL}-test")["data"]["helm-test.py"])
    return path


@pytest.fixture(scope="module")
def api(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """URL and settings of an API that wants the token."""
    folder, prefix = tmp_path_factory.mktemp("api"), f"helm-test-{os.getpid()}:"
    (folder / "tokens").write_text(line("helm", "submit", TOKEN))
    settings = load_settings(
        redis_ip="127.0.0.1",
        redis_port=server.port,
        key_prefix=prefix,
        data_cache=folder / "cache",
        worker_state_dir=folder / "worker",
    )
    with serving(settings, folder, tokens_file=folder / "tokens") as running:
        yield running.url, settings


class OpenApi(BaseHTTPRequestHandler):
    """An API that lets everybody in and runs a job at once; with other manners by what a test sets on the class."""

    done: ClassVar[dict[str, Any]] = {}
    wrong = False
    broken = False

    def do_GET(self) -> None:
        if self.broken:
            self.send_error(502, "Bad Gateway")
        elif self.path == "/readyz":
            self._answer(200, {})
        else:
            self._answer(200, {"msg": "another"} if self.wrong else self.done[self.path.split("/")[2]])

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.done[body.get("id", "")] = body["params"]
        self._answer(202, {"id": body.get("id", "")})

    def _answer(self, status: int, body: object) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def open_api() -> Iterator[str]:
    """The URL of an open API."""
    server = HTTPServer(("127.0.0.1", 0), OpenApi)
    with in_thread(server):
        yield f"http://127.0.0.1:{server.server_port}"


def run(script: Path, url: str, token: str = TOKEN, patience: float = 30) -> subprocess.CompletedProcess[str]:
    """Run the script as the pod does."""
    environment = {"PATH": os.environ["PATH"], "BASE_URL": url, "PATIENCE": str(patience)} | ({"TOKEN": token} if token else {})
    return subprocess.run([sys.executable, str(script)], env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_it_passes_where_all_is_well(script: Path, api: Api) -> None:
    with Worker(api[1]):
        ended = run(script, api[0])
    assert ended.returncode == 0, ended.stderr
    assert "Without a token: 401" in ended.stdout
    assert "the result is right" in ended.stdout


def test_without_a_worker_it_says_so_when_its_patience_ends(script: Path, api: Api) -> None:
    ended = run(script, api[0], patience=1)
    assert ended.returncode == 1
    assert "FAILED: the job done within 1 s; the last answer was (202" in ended.stderr


def test_a_token_that_the_api_does_not_know_fails_it(script: Path, api: Api) -> None:
    ended = run(script, api[0], token="tj_unknown", patience=1)
    assert ended.returncode == 1
    assert "FAILED: a job accepted within 1 s; the last answer was (401" in ended.stderr


def test_it_passes_where_sign_in_is_meant_to_be_off(script: Path, open_api: str) -> None:
    ended = run(script, open_api, token="")
    assert ended.returncode == 0, ended.stderr
    assert "Without a token" not in ended.stdout


def test_an_api_that_lets_everybody_in_fails_it(script: Path, open_api: str) -> None:
    ended = run(script, open_api)
    assert ended.returncode == 1
    assert "FAILED: without a token the answer should be 401 and was 202" in ended.stderr


def test_another_result_fails_it(script: Path, open_api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OpenApi, "wrong", True)
    ended = run(script, open_api, token="")
    assert ended.returncode == 1
    assert "FAILED: the result should be {'msg': '" in ended.stderr
    assert "'another'" in ended.stderr


def test_an_api_that_is_not_there_fails_it(script: Path) -> None:
    ended = run(script, "http://127.0.0.1:9", patience=1)
    assert ended.returncode == 1
    assert "FAILED: the API ready within 1 s" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_answer_that_is_no_json_is_shown_and_not_a_traceback(
    script: Path, open_api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OpenApi, "broken", True)
    ended = run(script, open_api, patience=1)
    assert ended.returncode == 1
    assert "FAILED: the API ready within 1 s; the last answer was (502" in ended.stderr
    assert "Traceback" not in ended.stderr
