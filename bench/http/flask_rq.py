"""Flask + RQ as a tutorial writes it: `POST /jobs` enqueues, and answers with the id. Run by gunicorn in the peer's environment.

Better off than ours: it checks nothing but that the body is JSON, keeps no index, no event and no key against doubles.
"""

import redis
from flask import Flask, request
from rq import Queue

from bench.body import BODIES
from bench.contestant import url

app = Flask(__name__)
queue = Queue(connection=redis.Redis.from_url(url()))


@app.get("/readyz")
def ready() -> dict[str, str]:
    """Whether Redis is there."""
    queue.connection.ping()
    return {"status": "ok"}


@app.post("/jobs")
def submit() -> tuple[dict[str, str], int]:
    """Enqueue what the body says."""
    asked = request.get_json()
    job = queue.enqueue(BODIES[asked["operation"]], **asked["params"])
    return {"id": job.id, "status": "submitted"}, 202
