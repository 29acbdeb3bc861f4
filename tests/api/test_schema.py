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
from tests.api.schema_run import PHASES, TOKEN, Run, service
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
@pytest.mark.timeout(900)
@pytest.mark.parametrize("token", [True, False], ids=["with a token", "without a token"])
def test_many_examples_of_every_operation_keep_the_documents_word(server: Server, tmp_path: Path, token: bool) -> None:
    with service(server, tmp_path, sign_in=True) as api:
        run = Run(api.url, MANY, token=token)
        assert api.process.is_running()
    assert run.found == []
    assert all(run.requests[phase.upper()] > 0 for phase in PHASES), run.requests
    assert b"Traceback" not in api.log.read_bytes()
