"""Words of code as Markdown."""

import re


def plain(text: str) -> str:
    """What would be read as an HTML element or as emphasis is not; what stands in backticks stays as it is."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if at % 2 else re.sub(r"<(?=\w)", r"\\<", part).replace("*", r"\*") for at, part in enumerate(parts))
