"""How many examples the tests that make up their input try: as usual, or as many as `make fuzz` asks for."""

import os


def many(usual: int) -> int:
    """TRAFFICJOBS_EXAMPLES, or `usual` where nobody asks for more."""
    return int(os.environ.get("TRAFFICJOBS_EXAMPLES", usual))
