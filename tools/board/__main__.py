"""`python -m tools.board` writes the file."""

import json
from pathlib import Path

from tools.board import board

OUT = Path(__file__).resolve().parents[2] / "charts" / "trafficjobs" / "files" / "dashboard.json"

if __name__ == "__main__":
    OUT.write_text(json.dumps(board(), indent=2) + "\n")
