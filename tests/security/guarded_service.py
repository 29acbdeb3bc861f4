"""A whole service in which every secret is marked: what it runs, what it is told wrong, and all that it says.

`exercised` starts it and does to it what makes programs talk: wrong tokens, failing and dying jobs, tracebacks, webhooks that
arrive and that do not, mails, at the most talkative level of the log; beside it, programs that were given wrong passwords.
"""

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import redis

from lib.settings import load_settings
from tests.receivers import mailbox, receiver
from tests.servers import Server, free_port
from tests.service import Service, api, whole_service
from tests.tokens import line
from tests.waiting import until
from tests.workers import ROOT, environment

KEY = b"marked-key-of-all-webhooks-" + b"k" * 10
SECRETS = {
    "REDIS_PASSWORD": "marked-password-of-redis",
    "METRICS_TOKEN": "marked-token-of-prometheus",
    "WEBHOOK_SECRET": "whsec_" + base64.b64encode(KEY).decode(),
    "SMTP_PASSWORD": "marked-password-of-the-mail-server",
    "REDIS_SENTINEL_PASSWORD": "marked-password-of-the-sentinels",
    "OTEL_EXPORTER_OTLP_HEADERS": "authorization=marked-login-of-the-collector",
}
TOKENS = {role: f"tj_marked-token-of-{role}" for role in ("view", "submit", "admin")}
WRONG = {
    "token": "tj_marked-token-of-nobody",
    "password": "marked-wrong-password-of-redis",
    "in a URL": "marked-wrong-password-in-a-url",
    "in a broken URL": "marked-wrong-password-in-a-broken-url",
    "webhook": "whsec_marked!",
    "login": "marked-login-of-a-webhook",
}
# The key itself, and all else as it is written; a password within what holds more is looked for alone.
MARKS = (
    {name: value.rpartition("=marked")[2] or value for name, value in SECRETS.items()} | TOKENS | WRONG | {"key": KEY.decode()}
)

OPERATIONS = '''
"""operations/surroundings.py"""

import os
import subprocess
from typing import Any

from lib.operations import operation

AT_IMPORT = dict(os.environ)


def _kernel(pid: int) -> str:
    with open(f"/proc/{pid}/environ", "rb") as file:
        return file.read().decode(errors="replace")


def _ancestors() -> list[int]:
    """This process, and those above it that are ours."""
    found, pid = [], os.getpid()
    while pid > 1:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read()
        if b"gunicorn" not in words and b"services." not in words:
            break
        found.append(pid)
        with open(f"/proc/{pid}/stat") as file:
            pid = int(file.read().rpartition(")")[2].split()[1])
    return found


@operation(needs_data=False, direct=True)
def surroundings() -> dict[str, Any]:
    """All that code of an operation, or a program that it starts, is given."""
    child = subprocess.run(["env"], capture_output=True, text=True, check=True).stdout
    return {"own": dict(os.environ), "import": AT_IMPORT, "child": child, "kernel": {pid: _kernel(pid) for pid in _ancestors()}}


@operation(needs_data=False, direct=False)
def divide(by: int = 0) -> float:
    """Fails with a traceback."""
    return 1 / by


@operation(needs_data=False, direct=False)
def die() -> None:
    """Ends its process."""
    os.abort()
'''


@dataclass
class Exercised:
    """A running service, and what was said: answers by their address; the folder has the logs of all programs."""

    service: Service
    store: redis.Redis
    answers: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, token: str = "admin", **headers: str) -> httpx.Response:
        """Ask, and keep what is answered."""
        login = {"Authorization": f"Bearer {TOKENS.get(token, token)}"}
        answer = httpx.get(self.service.url + path, headers=login | headers, timeout=30)
        self.answers[path] = self.answers.get(path, "") + f"{answer.headers}\n{answer.text}"
        return answer

    def post(self, path: str, token: str = "admin", **body: Any) -> Any:
        """The same for a POST."""
        login = {"Authorization": f"Bearer {TOKENS.get(token, token)}"}
        answer = httpx.post(self.service.url + path, headers=login, json=body, timeout=30)
        self.answers[f"POST {path}"] = self.answers.get(f"POST {path}", "") + f"{answer.headers}\n{answer.text}"
        return answer.json()

    def end(self, jid: str) -> dict[str, Any]:
        """The record of a job once it has ended."""
        states = ("complete", "failed", "cancelled")
        found = until(lambda: (one := self.get(f"/jobs/{jid}").json())["status"] in states and one, 60, f"the end of {jid}")
        return found

    def logs(self) -> dict[str, str]:
        """What the programs have written so far, by file."""
        return {path.name: path.read_text(errors="replace") for path in self.service.folder.glob("*.log")}

    def processes(self) -> list[psutil.Process]:
        """All of the service's own."""
        mine = psutil.Process().children(recursive=True)
        return [each for each in mine if any("services" in word or "gunicorn" in word for word in each.cmdline())]


@contextmanager
def exercised(folder: Path) -> Iterator[Exercised]:
    """The service, once all of that was done."""
    (folder / "operations").mkdir()
    (folder / "operations" / "surroundings.py").write_text(OPERATIONS)
    hashes = [line(role, role, token) for role, token in TOKENS.items()]
    (folder / "tokens").write_text("".join(hashes))
    with Server(folder / "redis", os.environ.get("TRAFFICJOBS_SERVER")) as server, receiver() as hooks, mailbox() as box:
        store = redis.Redis(port=server.port)
        store.execute_command("ACL", "SETUSER", "app", "on", ">" + SECRETS["REDIS_PASSWORD"], "~*", "&*", "+@all")
        settings = load_settings(
            redis_ip="127.0.0.1",
            redis_port=server.port,
            key_prefix="marked:",
            lease_seconds=2.0,
            upkeep_interval=0.1,
            data_cache=folder / "cache",
            worker_state_dir=folder / "worker",
            data_file=folder / "absent.csv",
            log_level="debug",
        )
        more: dict[str, Any] = SECRETS | {"redis_username": "app", "tokens_file": folder / "tokens"}
        more |= {"webhook_allow": "127.0.0.1/32", "operations_dir": folder / "operations", "worker_port": free_port()}
        more |= {"smtp_host": "127.0.0.1", "smtp_port": box.port, "smtp_tls": "off", "smtp_from": "jobs@example.org"}
        more |= {"smtp_username": "mailer"}
        with whole_service(settings, folder, TOKENS["view"], **more) as service, _misled(folder, settings):
            made = Exercised(service, store)
            _exercise(made, hooks.url, more["worker_port"])
            yield made
        store.close()


def _exercise(made: Exercised, hooks: str, worker_port: int) -> None:
    for path in ("/jobs", "/ui/jobs", "/metrics", "/doctor"):
        made.get(path, WRONG["token"])
        if not path.startswith("/ui"):  # whose way to the sign-in page repeats the address, to come back to it
            made.get(f"{path}?access_token={WRONG['token']}", "", Authorization=f"Basic {WRONG['token']}")
    url = made.service.url
    with httpx.Client(base_url=url, timeout=30) as browser:
        shown = browser.get("/ui/sign-in").text.partition('data-csrf="')[2].partition('"')[0]
        for token in (WRONG["token"], TOKENS["admin"]):
            answer = browser.post("/ui/sign-in", data={"csrf": shown, "token": token})
            made.answers[f"sign-in with {token[:3]}"] = f"{answer.headers}\n{answer.text}"
        for page in ("/ui", "/ui/jobs", "/ui/workers", "/ui/queues", "/ui/data", "/ui/failures"):
            made.answers[page] = browser.get(page).text
    told = [{"webhook": f"{hooks}/there"}, {"webhook": "http://127.0.0.1:9999/nobody"}, {"email": "ann@example.org"}]
    refused = made.post("/jobs", operation="divide", notify=[{"webhook": f"http://user:{WRONG['login']}@127.0.0.1/"}])
    assert refused["status"] == 400, refused
    jobs = [made.post("/jobs", operation=name, notify=told)["id"] for name in ("divide", "die", "surroundings")]
    for jid in jobs:
        made.end(jid)
        for path in ("", "/log", "/results", "/events", "/deliveries", "/files"):
            made.get(f"/jobs/{jid}{path}")
        made.get(f"/ui/jobs/{jid}")
    until(lambda: '"delivered"' in made.get(f"/jobs/{jobs[0]}/deliveries").text, 30, "a delivery")
    for path in (
        "/metrics",
        "/doctor",
        "/openapi.json",
        "/docs",
        "/readyz",
        "/workers",
        "/operations",
        "/jobs",
        "/failures",
        "/",
    ):
        assert made.get(path).status_code == 200, path
    made.get("/metrics", SECRETS["METRICS_TOKEN"])
    made.get("/surroundings")
    made.answers["the worker's /metrics"] = httpx.get(f"http://127.0.0.1:{worker_port}/metrics", timeout=30).text
    made.store.execute_command("CLIENT", "KILL", "TYPE", "normal")  # whatever they say when they connect again
    until(lambda: made.get("/readyz").status_code == 200, 30, "the service again")


@contextmanager
def _misled(folder: Path, settings: Any) -> Iterator[None]:
    """Programs that cannot work, until each has said so: with a wrong password, and with settings that are none."""
    url = f"redis://app:{WRONG['in a URL']}@127.0.0.1:{settings.redis_port}/0"
    wrong = ({"redis_username": "app", "redis_password": WRONG["password"]}, {"redis_url": url})
    broken = {"redis_url": f"http://app:{WRONG['in a broken URL']}@127.0.0.1:1/0", "webhook_secret": WRONG["webhook"]}
    running, ending, addresses = [], [], []
    try:
        for more in wrong:
            refused = api(settings, folder, **more)
            running.append(refused.process)
            addresses.append(refused.url)
        for name, value in broken.items():
            for program in ("services.worker", "services.api.upkeep"):
                env = environment(settings, **{name: value, "worker_state_dir": None})
                with (folder / f"{program}-{name}.log").open("wb") as log:
                    run = [sys.executable, "-m", program]
                    ending.append(subprocess.Popen(run, cwd=ROOT, env=env, stdout=log, stderr=log))
        until(lambda: all(each.poll() == 2 for each in ending), 60, "the end of all that have wrong settings")
        until(lambda: all(_refused(address) for address in addresses), 60, "a refusal")
        said = [
            httpx.get(address + path, timeout=20).text for address in addresses for path in ("/readyz", "/jobs", "/doctor", "/ui")
        ]
        (folder / "refusals.log").write_text("\n".join(said))
        yield
    finally:
        for each in running + ending:
            each.terminate()
        for each in running + ending:
            each.wait(60)


def _refused(address: str) -> bool:
    try:
        return httpx.get(f"{address}/readyz", timeout=10).status_code == 503
    except httpx.TransportError:
        return False
