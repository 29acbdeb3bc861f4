"""`python -m tests.security.rendered FOLDER`: the chart as scanners read it, by default and with everything on."""

import sys
from pathlib import Path

import yaml

from tests.chart.combinations import COMBINATIONS
from tests.chart.rendering import Chart


def main(folder: Path) -> None:
    """Write one file for each set of values. What only a test of Helm runs is left out."""
    folder.mkdir(parents=True, exist_ok=True)
    chart = Chart()
    for name in ("defaults", "everything"):
        objects = [
            found
            for found in chart.render(COMBINATIONS[name], namespace=name).objects
            if found["metadata"].get("annotations", {}).get("helm.sh/hook") != "test"
        ]
        (folder / f"{name}.yaml").write_text(yaml.safe_dump_all(objects, sort_keys=False))
    chart.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
