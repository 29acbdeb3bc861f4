"""With DURABILITY=strict a 202 is said once the job is on disk: a server that is killed in the next moment still has it."""

from pathlib import Path

import httpx
import pytest
import redis

from lib.settings import load_settings
from tests.servers import Server
from tests.service import serving
from tests.waiting import until


@pytest.mark.once
def test_what_was_answered_with_202_outlives_the_kill_of_redis(tmp_path: Path) -> None:
    with Server(tmp_path / "redis") as server:
        settings = load_settings(redis_ip="127.0.0.1", redis_port=server.port)
        with (
            serving(settings, tmp_path, durability="strict") as api,
            httpx.Client(base_url=api.url, timeout=30) as http,
        ):
            ids = []
            for n in range(5):
                answer = http.post("/jobs", json={"operation": "print", "params": {"msg": str(n)}})
                assert answer.status_code == 202, answer.text
                ids.append(answer.json()["id"])
            with redis.Redis(port=server.port) as client:
                waits = client.info("commandstats")["cmdstat_waitaof"]["calls"]
            assert waits == len(ids) + 1  # one more for the first, which the server did not know the script of
            server.kill()
            assert http.get(f"/jobs/{ids[0]}").status_code == 503
            server.start()
            until(lambda: [http.get(f"/jobs/{jid}").status_code for jid in ids] == [200] * 5, 30, "all of them")
