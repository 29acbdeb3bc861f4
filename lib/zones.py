"""Names of time zones as people give them: in settings, schedules and filters. It imports next to nothing, as settings must."""

from zoneinfo import ZoneInfo

# They lie beside the zones and are none that mean the same everywhere: the machine's own, what a clock has that was never set,
# and on some systems all zones twice more, once with leap seconds.
_NO_ZONES = frozenset(["localtime", "posixrules", "Factory", "posix", "right"])


def check_zone(name: str) -> str:
    """`name` itself if it is a time zone of the IANA database.

    Raises:
        ValueError: it is not; the message says what would be right.
    """
    try:
        if name.partition("/")[0] in _NO_ZONES:
            raise ValueError
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # OSError: a folder, or a name that no file can have
        raise ValueError(f"{name[:80]!r} is not an IANA time zone such as America/Chicago") from None
    return name
