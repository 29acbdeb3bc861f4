"""OPERATION_LIMITS as text: what a rate is, and what is refused with the setting and its field."""

import pytest

from lib.rates import Rate
from lib.settings import SettingsError, load_settings


@pytest.mark.parametrize(
    ("text", "rate"), [("10/m", Rate(10, 60)), ("5/30s", Rate(5, 30)), ("100/h", Rate(100, 3600)), ("1/d", Rate(1, 86_400))]
)
def test_rates_are_read(text: str, rate: Rate) -> None:
    assert Rate.parse(text) == Rate.parse(str(rate)) == rate


@pytest.mark.parametrize("text", ["", "10", "0/m", "10/2d", "10/y", "-1/m", "99999/s", "1/0s", "10 / m"])
def test_what_is_no_rate_is_refused_with_the_setting(text: str) -> None:
    with pytest.raises(SettingsError, match=r"OPERATION_LIMITS\.x\.rate: .*is no rate such as 10/m"):
        load_settings(operation_limits={"x": {"rate": text}})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{plot", "LIMITS: is not JSON"),
        ('{"plot": {"most": 2}}', "LIMITS.plot.most: "),
        ('{"plot": {"concurrency": 0}}', "LIMITS.plot.concurrency: .*greater than"),
    ],
)
def test_limits_that_cannot_be_read_are_refused_with_the_setting(text: str, words: str) -> None:
    with pytest.raises(SettingsError, match=f"OPERATION_{words}"):
        load_settings(operation_limits=text)
