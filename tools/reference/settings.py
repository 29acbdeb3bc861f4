"""docs/settings.md, made from the settings class."""

from pydantic import AliasChoices
from pydantic_core import PydanticUndefined

from lib.settings import Settings

_HEAD = """# Settings

Environment variables of API, upkeep and worker, read once at the start. A value that does not
fit is named, and nothing starts. An empty variable counts as unset.

| variable | default | what it is |
|---|---|---|
"""
_OWN_WORDS = {
    "queues": "none",
    "redis_sentinels": "none",
    "redis_cluster": "none",
    "adopt_queues": "none",
    "trusted_hosts": "see there",
    "worker_queues": "all",
    "worker_children": "one per core",
    "worker_name": "the host's name",
}


def rows() -> list[str]:
    """A table row for each setting."""
    lines = []
    for name, field in Settings.model_fields.items():
        names = [name.upper()]
        if isinstance(field.validation_alias, AliasChoices):
            names = [str(choice) for choice in field.validation_alias.choices]
        default = _OWN_WORDS.get(name)
        if default is None:
            empty = field.default is None or field.default == "" or field.default is PydanticUndefined
            default = "" if empty else f"`{field.default}`"
        lines.append(f"| {', '.join(f'`{one}`' for one in names)} | {default} | {field.description or ''} |")
    return lines


def page() -> str:
    """The whole page."""
    return _HEAD + "\n".join(rows()) + "\n"
