"""The application as tests run it under gunicorn where time is short: the real one, whose patience ends sooner.

Streams end after their first words, no answer is held back whatever `Prefer` says, and a body must come within two seconds.
"""

from flask import Flask

from services.api import preferences, threads
from services.api.app import create_app as create
from services.api.live import live_of


def create_app() -> Flask:
    """Named in the command line of gunicorn."""
    preferences.LONGEST_WAIT = 0
    threads.BODY_PATIENCE = 2.0
    made = create()
    live_of(made.extensions).longest = 0.0
    return made
