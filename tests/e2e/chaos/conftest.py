"""This folder runs only where it is named itself, as `make e2e-chaos` does: it takes its time, and cordons a node."""

from pathlib import Path

import pytest


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    """Leave the folder alone unless it is named."""
    named = any({"e2e", "chaos"} <= set(Path(str(argument).partition("::")[0]).parts) for argument in config.args)
    return None if named else True
