"""The helm program: charts are installed, upgraded, rolled back, tested and uninstalled by it, as users do it.

Values go through a file. What a command says is kept beside it.
"""

import json
import subprocess
from pathlib import Path

from tests.e2e.values import Values

CHART = Path(__file__).parents[2] / "charts/trafficjobs"


class Helm:
    """Commands for one release.

    Args:
        folder: where values are written.
    """

    def __init__(self, release: str, namespace: str, folder: Path) -> None:
        self.release, self.namespace, self.folder = release, namespace, folder

    def install(self, values: Values, chart: Path = CHART) -> str:
        """Install; what helm prints. Does not wait."""
        return self._run("install", self.release, str(chart), "--values", self._file(values))

    def upgrade(self, values: Values, chart: Path = CHART) -> str:
        """Upgrade with exactly these values; what helm prints. Does not wait."""
        return self._run("upgrade", self.release, str(chart), "--reset-values", "--values", self._file(values))

    def rollback(self, revision: int) -> str:
        """Back to a revision; what helm prints. Does not wait."""
        return self._run("rollback", self.release, str(revision))

    def uninstall(self) -> str:
        """Uninstall; what helm prints."""
        return self._run("uninstall", self.release, "--timeout", "300s", timeout=320)

    def test(self) -> str:
        """Run the chart's own tests; what helm and the test pods print. AssertionError where one fails."""
        return self._run("test", self.release, "--logs", "--timeout", "300s", timeout=320)

    def _file(self, values: Values) -> str:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "values.json"
        path.write_text(json.dumps(values, indent=1))
        return str(path)

    def _run(self, *arguments: str, timeout: float = 120) -> str:
        command = ["helm", *arguments, "--namespace", self.namespace]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
        if done.returncode:
            raise AssertionError(f"{' '.join(command)} failed:\n{done.stderr}{done.stdout}")
        return done.stdout
