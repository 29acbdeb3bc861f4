"""Runs in a pod with REDIS_IP, REDIS_USERNAME and REDIS_PASSWORD: what becomes of commands, each given as words in JSON.

Prints JSON: for every command its answer, or the error of the server.
"""

import json
import os
import sys

import redis

client = redis.Redis(
    os.environ["REDIS_IP"],
    6379,
    db=1,
    username=os.environ.get("REDIS_USERNAME"),
    password=os.environ.get("REDIS_PASSWORD"),
    decode_responses=True,
)


def answer(command: str) -> str:
    """What the server says."""
    try:
        return str(client.execute_command(*json.loads(command)))
    except redis.RedisError as error:
        return f"{type(error).__name__}: {error}"


print(json.dumps({command: answer(command) for command in sys.argv[1:]}))
