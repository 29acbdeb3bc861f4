"""What `helm test` runs, taken from the rendered ConfigMap, against a real API: it passes where all is well, and only there."""

import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import requests

from lib.settings import Settings, load_settings
from tests.chart.rendering import FULL, ROOT, Chart
from tests.servers import Server, free_port
from tests.waiting import until
from tests.workers import Worker

Api = tuple[str, Settings]
TOKEN = "tj_a-token-that-may-submit"


@pytest.fixture
def script(chart: Chart, tmp_path: Path) -> Path:
    path = tmp_path / "helm-test.py"
    path.write_text(chart.render().get("ConfigMap", f"{FULL}-test")["data"]["helm-test.py"])
    return path


@pytest.fixture(scope="module", params=["guarded", "open"])
def api(
    request: pytest.FixtureRequest, server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Settings]]:
    """URL and settings of the API as the image runs it: one that wants the token, and one that lets everybody in."""
    folder, port, prefix = tmp_path_factory.mktemp("api"), free_port(), f"helm-test-{request.param}-{os.getpid()}:"
    (folder / "tokens").write_text(f"helm submit {hashlib.sha256(TOKEN.encode()).hexdigest()}\n")
    sign_in = {"TOKENS_FILE": folder / "tokens"} if request.param == "guarded" else {"AUTH": "off"}
    about = {"REDIS_PORT": server.port, "KEY_PREFIX": prefix, "PORT": port, "API_WORKERS": 1, "DATA_CACHE": folder / "cache"}
    environment = os.environ | {name: str(value) for name, value in (about | sign_in).items()}
    command = [sys.executable, "-m", "gunicorn", "-c", "services/api/gunicorn.conf.py", "services.api.app:create_app()"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    worker = load_settings(redis_port=server.port, key_prefix=prefix, data_cache=folder / "worker", worker_state_dir=folder)
    url = f"http://127.0.0.1:{port}"
    try:
        until(lambda: ready(url), 60, "the API")
        yield url, worker
    finally:
        process.terminate()
        process.wait(20)


def ready(url: str) -> bool:
    """Whether the API would be sent requests."""
    try:
        return requests.get(f"{url}/readyz", timeout=5).status_code == 200
    except requests.ConnectionError:
        return False


guarded = pytest.mark.parametrize("api", ["guarded"], indirect=True)
unguarded = pytest.mark.parametrize("api", ["open"], indirect=True)


def run(script: Path, url: str, token: str = TOKEN, patience: float = 30) -> subprocess.CompletedProcess[str]:
    """Run the script as the pod does."""
    environment = {"PATH": os.environ["PATH"], "BASE_URL": url, "PATIENCE": str(patience)} | ({"TOKEN": token} if token else {})
    return subprocess.run([sys.executable, str(script)], env=environment, capture_output=True, text=True, timeout=60, check=False)


@guarded
def test_it_passes_where_all_is_well(script: Path, api: Api) -> None:
    with Worker(api[1]):
        ended = run(script, api[0])
    assert ended.returncode == 0, ended.stderr
    assert "Without a token: 401" in ended.stdout
    assert "the result is right" in ended.stdout


@guarded
def test_without_a_worker_it_says_so_when_its_patience_ends(script: Path, api: Api) -> None:
    ended = run(script, api[0], patience=1)
    assert ended.returncode == 1
    assert "FAILED: the job done within 1 s; the last answer was (202" in ended.stderr


@guarded
def test_a_token_that_the_api_does_not_know_fails_it(script: Path, api: Api) -> None:
    ended = run(script, api[0], token="tj_unknown", patience=1)
    assert ended.returncode == 1
    assert "FAILED: a job accepted within 1 s; the last answer was (401" in ended.stderr


@unguarded
def test_it_passes_where_sign_in_is_meant_to_be_off(script: Path, api: Api) -> None:
    with Worker(api[1]):
        ended = run(script, api[0], token="")
    assert ended.returncode == 0, ended.stderr
    assert "Without a token" not in ended.stdout


@unguarded
def test_an_api_that_lets_everybody_in_fails_it(script: Path, api: Api) -> None:
    ended = run(script, api[0])
    assert ended.returncode == 1
    assert "FAILED: without a token the answer should be 401 and was 202" in ended.stderr


def test_an_api_that_is_not_there_fails_it(script: Path) -> None:
    ended = run(script, "http://127.0.0.1:9", patience=1)
    assert ended.returncode == 1
    assert "FAILED: the API ready within 1 s" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_answer_that_is_no_json_is_shown_and_not_a_traceback(script: Path) -> None:
    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(502, "Bad Gateway")

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Proxy)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    ended = run(script, f"http://127.0.0.1:{server.server_port}", patience=1)
    server.shutdown()
    thread.join(10)
    server.server_close()
    assert ended.returncode == 1
    assert "FAILED: the API ready within 1 s; the last answer was (502" in ended.stderr
    assert "Traceback" not in ended.stderr
