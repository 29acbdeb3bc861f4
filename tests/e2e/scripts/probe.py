"""Runs as a pod: asks the API through its Service twice a second, each time on a new connection and without waiting
for the last answer.

Prints a line of JSON for every request: when it began, how many seconds it took, and the status or the name of an error.
"""

import http.client
import json
import os
import sys
import threading
import time

HOST, TOKEN = os.environ["HOST"], os.environ["TOKEN"]
EVERY, LONGEST = 0.5, 20.0  # seconds


def ask() -> None:
    """One request."""
    began = time.time()
    connection = http.client.HTTPConnection(HOST, timeout=LONGEST)
    met: int | str
    try:
        connection.request("GET", "/jobs?limit=1", headers={"Authorization": f"Bearer {TOKEN}"})
        answer = connection.getresponse()
        answer.read()
        met = answer.status
    except (http.client.HTTPException, OSError) as error:
        met = type(error).__name__
    connection.close()
    sys.stdout.write(json.dumps([began, time.time() - began, met]) + "\n")  # one write, so that two threads do not mix
    sys.stdout.flush()


while True:
    threading.Thread(target=ask, daemon=True).start()
    time.sleep(EVERY)
