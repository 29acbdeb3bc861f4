"""The application under gunicorn with a line of requests that is soon full: by their number, or by how long the first waits."""

from flask import Flask

from services.api import threads
from services.api.app import create_app

MOST = 5  # for each thread


def short() -> Flask:
    """Named in the command line of gunicorn, as the next one."""
    threads.MOST_WAITING, threads.LONGEST_WAIT = MOST, 1_000.0
    return create_app()


def hasty() -> Flask:
    threads.MOST_WAITING, threads.LONGEST_WAIT = 1_000, 0.5
    return create_app()
