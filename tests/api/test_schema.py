"""schemathesis against the OpenAPI document: what the document promises is what the service does, for any input.

The engine's phases (examples, fuzzing, stateful) run over the application itself, a few examples of each operation. No response
schema is loosened, and no check is switched off.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from flask import Flask
from openapi_spec_validator import validate
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events, from_schema

from lib.settings import Settings
from services.api import preferences
from services.api.app import create_app
from services.api.live import live_of

TOKEN = "tj_schema"
pytestmark = pytest.mark.filterwarnings("default::hypothesis.errors.HypothesisWarning")


@schemathesis.serializer("text/csv", "application/x-ndjson", "application/octet-stream")
def _raw(ctx: Any, value: Any) -> Any:
    return value if isinstance(value, bytes) else str(value).encode()


# A date and a period contradict one another. A body's schema says so; parameters of a query string have a schema each.
_PLOT = {
    "include-path": "/plot",
    "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", "3xx", "401", "403", "404", "409", "422", "429"]}},
}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer is held back."""
    monkeypatch.setattr(preferences, "LONGEST_WAIT", 0)


def run(app: Flask, examples: int) -> list[str]:
    """Run the phases; what was found."""
    live_of(app.extensions).longest = 0.0  # streams end after their first words
    config = SchemathesisConfig.from_dict(
        {
            "seed": 1,
            "headers": {"Accept-Encoding": "identity"},
            "generation": {"max-examples": examples, "deterministic": True, "database": "none"},
            "phases": {"coverage": {"enabled": False}, "stateful": {"generation": {"max-examples": examples}}},
            "operations": [_PLOT],
        }
    )
    schema = schemathesis.openapi.from_wsgi("/openapi.json", app, config=config)
    found: dict[str, str] = {}
    for event in from_schema(schema).execute():
        if isinstance(event, events.NonFatalError | events.FatalError):
            found[f"error {event.exception if isinstance(event, events.FatalError) else event.value}"] = str(event)
        if isinstance(event, events.ScenarioFinished) and event.status is Status.FAILURE:
            for checks in event.recorder.checks.values():
                for check in checks:
                    if check.failure_info is not None:
                        failure = check.failure_info.failure
                        found.setdefault(
                            f"{event.recorder.label}: {check.name}: {failure.title}",
                            f"{failure.message}\n{check.failure_info.code_sample}",
                        )
    return [f"{title}\n{text}" for title, text in found.items()]


@pytest.fixture
def filled(app: Flask, loaded: Any) -> Flask:
    """An application with data."""
    return app


@pytest.fixture
def guarded(settings: Settings, tmp_path: Path) -> Callable[[str], Flask]:
    """Makes an application that wants a token, which has the given role."""

    def make(role: str) -> Flask:
        path = tmp_path / "tokens"
        path.write_text(f"tester {role} {hashlib.sha256(TOKEN.encode()).hexdigest()}\n")
        return create_app(settings.model_copy(update={"tokens_file": path, "data_file": tmp_path / "absent.csv"}))

    return make


def test_the_document_is_valid(app: Flask, guarded: Callable[[str], Flask]) -> None:
    for made in (app, guarded("view")):
        validate(made.test_client().get("/openapi.json").get_json())


@pytest.mark.timeout(60)
def test_a_few_examples_of_every_operation_keep_the_documents_word(filled: Flask) -> None:
    assert run(filled, 5) == []
