"""Keys and signatures of webhooks, as https://www.standardwebhooks.com says."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

_SECRET = "whsec_"
_FEWEST_BYTES, _MOST_BYTES = 24, 64  # of a key, as the specification says


def secrets_of(text: str) -> list[bytes]:
    """The keys in a setting: `whsec_<base64>`, several separated by spaces. Raises ValueError that says what is wrong."""
    keys = []
    for part in text.split():
        try:
            key = base64.b64decode(part.removeprefix(_SECRET), validate=True)
        except binascii.Error:
            key = b""
        if not part.startswith(_SECRET) or not _FEWEST_BYTES <= len(key) <= _MOST_BYTES:
            raise ValueError(
                f"must be whsec_ and {_FEWEST_BYTES} to {_MOST_BYTES} random bytes as base64, several separated by spaces;"
                ' make one with: echo "whsec_$(openssl rand -base64 32)"'
            )
        keys.append(key)
    return keys


def signature(keys: Sequence[bytes], identity: str, timestamp: int, body: bytes) -> str:
    """The header webhook-signature: one signature for each key."""
    content = f"{identity}.{timestamp}.".encode() + body
    made = (base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode() for key in keys)
    return " ".join(f"v1,{each}" for each in made)
