"""A release that is poisoned, with webhooks to nobody."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lib.settings import Settings
from services.api.app import create_app
from tests.poison.release import Release


@pytest.fixture
def release(settings: Settings, tmp_path: Path) -> Iterator[Release]:
    more = {
        "data_file": tmp_path / "absent.csv",
        "queues": ["other"],
        "webhook_secret": "whsec_" + "QUJD" * 8,
        "webhook_allow": ["127.0.0.0/8"],
        "verify_interval": 0.0,
    }
    made = Release(create_app(settings.model_copy(update=more)))
    yield made
    made.jobs.close()
