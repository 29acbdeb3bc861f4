"""schemathesis against a running server: what the OpenAPI document promises is what the service does, for any input.

A few examples of everything in the quick tests; two hundred of each operation, and chains of requests, in the slow ones.
"""

import hashlib
from pathlib import Path

import pytest
from flask import Flask
from openapi_spec_validator import validate

from lib.settings import Settings
from services.api.app import create_app
from tests.api.schema_run import TOKEN, Run, service
from tests.servers import Server

MANY = 200
pytestmark = pytest.mark.filterwarnings("default::hypothesis.errors.HypothesisWarning")


def test_the_document_is_valid(app: Flask, settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    path.write_text(f"tester view {hashlib.sha256(TOKEN.encode()).hexdigest()}\n")
    guarded = create_app(settings.model_copy(update={"tokens_file": path}))
    for made in (app, guarded):
        validate(made.test_client().get("/openapi.json").get_json())


@pytest.mark.timeout(120)
def test_a_few_examples_of_every_operation_keep_the_documents_word(server: Server, tmp_path: Path) -> None:
    with service(server, tmp_path, sign_in=False) as api:
        run = Run(api.url, 4, phases=("examples", "fuzzing", "stateful"))
    assert run.found == []
    assert run.requests["FUZZING"] > 100


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.timeout(600)
@pytest.mark.parametrize("token", [True, False], ids=["with a token", "without a token"])
def test_many_examples_of_every_operation_keep_the_documents_word(server: Server, tmp_path: Path, token: bool) -> None:
    with service(server, tmp_path, sign_in=True) as api:
        run = Run(api.url, MANY, phases=("examples", "coverage", "fuzzing"), token=token)
    assert run.found == []
    assert run.requests["COVERAGE"] > 1_000
    assert run.requests["FUZZING"] > 20 * MANY
    assert b"Traceback" not in api.log.read_bytes()


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.timeout(600)
@pytest.mark.parametrize("sign_in", [True, False], ids=["with a token", "where nobody signs in"])
def test_many_chains_of_requests_keep_the_documents_word(server: Server, tmp_path: Path, sign_in: bool) -> None:
    """On a service of their own: where the ids they make up are taken, they end at their first request."""
    with service(server, tmp_path, sign_in) as api:
        run = Run(api.url, MANY, phases=("stateful",), token=sign_in)
    assert run.found == []
    assert run.requests["STATEFUL_TESTING"] > 3 * MANY
    assert b"Traceback" not in api.log.read_bytes()
