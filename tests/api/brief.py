"""The application as tests run it under gunicorn where time is short: the real one, whose patience ends sooner.

Streams end after their first words, no answer is held back whatever `Prefer` says, a body must come within two seconds, and
wrong tokens may be tried as often as one likes, since schemathesis tries one at every operation and wants to hear 401.
"""

from flask import Flask

from services.api import attempts, preferences, threads
from services.api.app import create_app as create
from services.api.live import live_of


def create_app() -> Flask:
    """Named in the command line of gunicorn."""
    preferences.LONGEST_WAIT = 0
    threads.BODY_PATIENCE = 2.0
    attempts.PER_MINUTE = 1_000_000
    made = create()
    live_of(made.extensions).longest = 0.0
    return made
