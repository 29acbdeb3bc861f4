"""Runs in a pod: the status and the body of a GET for each URL given. Prints JSON."""

import json
import sys
import urllib.error
import urllib.request


def get(url: str) -> tuple[int, str]:
    """Status and text; 0 and the reason where there is no answer."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


print(json.dumps({url: get(url) for url in sys.argv[1:]}))
