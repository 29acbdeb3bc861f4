"""Files of tokens as TOKENS_FILE takes them."""

import hashlib


def line(name: str, role: str, token: str, *quotas: str) -> str:
    """The line of one token, with quotas such as `pending=2`."""
    return " ".join([name, role, hashlib.sha256(token.encode()).hexdigest(), *quotas]) + "\n"
