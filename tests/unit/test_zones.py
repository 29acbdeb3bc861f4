"""Names of time zones, and whoever takes one."""

import subprocess
import sys

import pytest
from pydantic import ValidationError

from lib.errors import InvalidInput
from lib.filters import Filters
from lib.recurrence import Recurrence
from lib.settings import SettingsError, load_settings
from lib.zones import check_zone

NONE = ["", "Mars/Olympus", "America", "america/chicago ", "../UTC", "/etc/localtime", "a\0b", "\ud800", "x" * 5_000, "zone.tab",
        "localtime", "posixrules", "Factory", "right/UTC", "posix/America/Chicago"]  # fmt: skip


@pytest.mark.parametrize("name", ["America/Chicago", "Asia/Kolkata", "UTC", "Etc/GMT+6", "America/Argentina/Buenos_Aires"])
def test_a_zone_of_the_database_is_taken(name: str) -> None:
    assert check_zone(name) == name


@pytest.mark.parametrize("name", NONE)
def test_what_is_no_zone_for_people_is_refused_in_few_words(name: str) -> None:
    with pytest.raises(ValueError, match="is not an IANA time zone such as America/Chicago") as refused:
        check_zone(name)
    assert len(str(refused.value)) < 500


def test_settings_schedules_and_filters_refuse_the_same_names() -> None:
    with pytest.raises(SettingsError, match="TIMEZONE: 'localtime' is not an IANA time zone"):
        load_settings(timezone="localtime")
    with pytest.raises(InvalidInput, match="'localtime' is not an IANA time zone"):
        Recurrence(cron="@daily", timezone="localtime")
    with pytest.raises(ValidationError, match="'localtime' is not an IANA time zone"):
        Filters(tz="localtime")


def test_the_settings_are_read_without_pandas() -> None:
    code = "import sys; import lib.settings; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
