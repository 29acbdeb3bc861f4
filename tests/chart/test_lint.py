"""`helm lint --strict`, on the defaults and with everything on."""

import json
import subprocess
import sys

import pytest

from tests.chart.combinations import COMBINATIONS
from tests.chart.rendering import CHART, Values

LINT = "import helm_python, json, sys; print(json.dumps(helm_python.lint(sys.argv[1], json.loads(sys.argv[2]), strict=True)))"


@pytest.mark.parametrize("values", [COMBINATIONS["defaults"], COMBINATIONS["everything"]], ids=["defaults", "everything"])
def test_helm_has_nothing_to_say_against_the_chart(values: Values) -> None:
    command = [sys.executable, "-c", LINT, str(CHART), json.dumps(values)]
    report = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert report["errors"] == []
    assert report["messages"] == []
    assert report["total_charts_linted"] == 1
