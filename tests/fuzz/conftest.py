"""An application to ask odd things."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from lib.settings import Settings
from services.api.app import create_app
from tests.api.conftest import CSV, backend_of


@pytest.fixture
def client(settings: Settings, tmp_path: Path) -> Iterator[FlaskClient]:
    """Of a release with a few incidents to load."""
    sample = tmp_path / "sample.csv"
    sample.write_bytes(CSV)
    made = create_app(settings.model_copy(update={"data_file": sample}))
    yield made.test_client()
    backend_of(made).jobs.close()
