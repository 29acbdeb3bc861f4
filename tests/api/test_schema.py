"""schemathesis against a running server: what the OpenAPI document promises is what the service does, for any input.

A few examples of everything in the quick tests; forty of each operation and chains of requests in the slow ones; a thousand, and
all that the document says of each value (the phase `coverage`), by `make fuzz`.
"""

from pathlib import Path

import pytest
import requests
from flask import Flask
from openapi_spec_validator import validate

from lib.settings import Settings
from services.api.app import create_app
from services.api.attempts import PER_MINUTE
from tests.api.crowd import PROCESSES
from tests.api.schema_run import GROUPS, LARGE_BODIES, TOKEN, Run, groups_of, service
from tests.examples import many
from tests.receivers import SECRET
from tests.servers import Server
from tests.tokens import line

MANY = many(40)
CHAINS = max(100, MANY)  # few of them come to where they ask for a job that there is
COVERS = MANY >= 1_000  # minutes, most of which go to one value after another of the large bodies
PATIENCE = 300 + 5 * MANY  # seconds, for the slowest machine that it ran on
PHASES = ("examples", "fuzzing")
pytestmark = pytest.mark.filterwarnings("default::hypothesis.errors.HypothesisWarning")


def test_the_document_is_valid(app: Flask, settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    path.write_text(line("tester", "view", TOKEN))
    ways = {"webhook_secret": SECRET, "smtp_host": "mail", "smtp_from": "a@example.org"}
    everything = create_app(settings.model_copy(update={"tokens_file": path, **ways}))
    for made in (app, everything):
        validate(made.test_client().get("/openapi.json").get_json())


def test_the_service_of_these_tests_says_401_to_every_wrong_token(server: Server, tmp_path: Path) -> None:
    """The check of ignored tokens tries one at each operation. Elsewhere too many are answered with 429."""
    with service(server, tmp_path, sign_in=True) as api:
        wrong = {"Authorization": "Bearer wrong"}
        answers = [requests.get(f"{api.url}/jobs", headers=wrong, timeout=10) for _ in range(PROCESSES * PER_MINUTE + 1)]
    assert {answer.status_code for answer in answers} == {401}


@pytest.mark.timeout(120)
def test_a_few_examples_of_every_operation_keep_the_documents_word(server: Server, tmp_path: Path) -> None:
    with service(server, tmp_path, sign_in=False) as api:
        run = Run(api.url, 4, phases=PHASES)
    assert not run.found, "\n\n".join(run.found)
    assert run.requests["FUZZING"] > 100


def test_every_operation_is_in_a_group_that_is_asked(app: Flask) -> None:
    assert set(groups_of(app.test_client().get("/openapi.json").get_json()).values()) == set(GROUPS)


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.timeout(PATIENCE)
@pytest.mark.parametrize("group", GROUPS)
def test_many_examples_of_every_operation_keep_the_documents_word(server: Server, tmp_path: Path, group: str) -> None:
    # The direct routes share their filters, which each of them is asked for.
    examples = MANY // 4 if group == "direct" else MANY
    with service(server, tmp_path, sign_in=True) as api:
        phases = (*PHASES, "coverage") if COVERS else PHASES
        run = Run(api.url, examples, phases=phases, token=True, group=group, large_bodies=LARGE_BODIES)
    assert not run.found, "\n\n".join(run.found)
    assert run.asked == run.operations
    assert not COVERS or run.requests["COVERAGE"] > 10 * len(run.operations - {"POST /job/submit"})
    assert run.requests["FUZZING"] > examples * len(run.operations) / 2
    assert b"Traceback" not in api.log.read_bytes()


@pytest.mark.nightly
@pytest.mark.once
@pytest.mark.timeout(240)
def test_without_a_token_every_operation_keeps_the_documents_word(server: Server, tmp_path: Path) -> None:
    """Ten examples of each: whatever they say, the answer is 401 or that of a route for everybody."""
    with service(server, tmp_path, sign_in=True) as api:
        run = Run(api.url, 10, phases=(*PHASES, "coverage"), large_bodies=())
    assert not run.found, "\n\n".join(run.found)
    assert run.asked == run.operations
    assert run.requests["COVERAGE"] > 1_000
    assert run.requests["FUZZING"] > 5 * len(run.operations)
    assert b"Traceback" not in api.log.read_bytes()


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.timeout(PATIENCE)
@pytest.mark.parametrize("sign_in", [True, False], ids=["with a token", "where nobody signs in"])
def test_many_chains_of_requests_keep_the_documents_word(server: Server, tmp_path: Path, sign_in: bool) -> None:
    """On a service of their own: where the ids they make up are taken, they end at their first request."""
    with service(server, tmp_path, sign_in) as api:
        run = Run(api.url, CHAINS, phases=("stateful",), token=sign_in, same_bodies=True)
    assert not run.found, "\n\n".join(run.found)
    assert run.requests["STATEFUL_TESTING"] > 2 * CHAINS
    assert run.succeeded["POST /jobs"] > CHAINS / 10
    assert sum(count for label, count in run.succeeded.items() if "/jobs/{jid}" in label) > CHAINS / 10  # jobs that there are
    assert b"Traceback" not in api.log.read_bytes()
