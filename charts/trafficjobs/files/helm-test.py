"""What `helm test` runs: a job is submitted with the release's token and its result compared, and nobody gets in without one.

Works from zero replicas: the job itself calls the first worker, and a scaler that was made before Redis was up may take two
minutes to look again.
"""

import json
import os
import secrets
import sys
import time
import urllib.error
import urllib.request

BASE, TOKEN = os.environ["BASE_URL"], os.environ.get("TOKEN", "")
PATIENCE = float(os.environ.get("PATIENCE", "280"))  # seconds


def call(path, body=None, token=TOKEN):
    """Status and decoded body of one request; status 0 where there was no answer."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(BASE + path, body and json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        # not only ours: a proxy on the way answers with a page
        return error.code, {"detail": error.read().decode("utf-8", "replace")}
    except (OSError, ValueError) as error:
        return 0, {"detail": str(error)}


def until(what, path, *expected, body=None):
    """The body of the first answer with an expected status and, for a job, an end."""
    deadline, seen = time.monotonic() + PATIENCE, None
    while time.monotonic() < deadline:
        seen = call(path, body)
        if seen[0] in expected:
            return seen[1]
        time.sleep(1)
    sys.exit(f"FAILED: {what} within {PATIENCE:.0f} s; the last answer was {seen}")


until("the API ready", "/readyz", 200)
if TOKEN:
    status, answer = call("/jobs", {"operation": "print", "params": {"msg": "no token"}}, token="")
    if status != 401:
        sys.exit(f"FAILED: without a token the answer should be 401 and was {status}: {answer}")
    print("Without a token: 401")

began, word = time.monotonic(), secrets.token_hex(8)
job = {"operation": "print", "params": {"msg": word}, "id": f"helm-test-{word}"}
submitted = until("a job accepted", "/jobs", 202, body=job)
result = until("the job done", f"/jobs/{submitted['id']}/results", 200)
if result != {"msg": word}:
    sys.exit(f"FAILED: the result should be {{'msg': {word!r}}} and is {result}")
print(f"Job {submitted['id']}: the result is right, after {time.monotonic() - began:.1f} s")
