"""Runs as a pod: submits jobs through the Service, one after the other on two threads, until /tmp/stop is there.

One thread keeps its connection as long as the server does, the other opens one for every request. Each job has an id of
its own, and is sent again, as the client does it, until it is accepted. Prints a line of JSON for every job: its id, and
what each sending met, a status or the name of an error.
"""

import http.client
import itertools
import json
import os
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

HOST, TOKEN = os.environ["HOST"], os.environ["TOKEN"]
OPERATION, LONGEST = os.environ["OPERATION"], float(os.environ["LONGEST"])
PAUSE = 0.4  # seconds between two jobs of a thread
STOP = Path("/tmp/stop")
HEADERS = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}


def send(connection: http.client.HTTPConnection, job: Mapping[str, object]) -> int | str:
    """The status of one sending."""
    try:
        connection.request("POST", "/jobs", json.dumps(job), HEADERS | {"Idempotency-Key": str(job["id"])})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    except (http.client.HTTPException, OSError) as error:
        connection.close()
        return type(error).__name__


def submit(thread: str, keep: bool) -> None:
    """Jobs until the end; every tenth is a long one."""
    connection = http.client.HTTPConnection(HOST, timeout=15)
    for number in itertools.count():
        if STOP.exists():
            return
        seconds = LONGEST if number % 10 == 0 else 0.1
        job = {"operation": OPERATION, "params": {"seconds": seconds}, "id": f"load-{thread}-{number}"}
        met = [send(connection, job)]
        while met[-1] != 202:
            time.sleep(0.2)
            met.append(send(connection, job))
        sys.stdout.write(json.dumps({"id": job["id"], "met": met}) + "\n")  # one write, so that two threads do not mix
        sys.stdout.flush()
        if not keep:
            connection.close()
        time.sleep(PAUSE)


threads = [threading.Thread(target=submit, args=arguments) for arguments in (("kept", True), ("fresh", False))]
for each in threads:
    each.start()
for each in threads:
    each.join()
