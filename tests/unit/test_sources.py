"""From where files may be fetched: what DATA_URLS names, and nothing beside it, however it is spelled."""

import pytest

from lib.egress import Refused
from lib.settings import SettingsError, load_settings
from lib.sources import Sources, shown

PORTAL = "https://data.austintexas.gov/api/views/dx9v-zd7x/rows.csv?accessType=DOWNLOAD"


@pytest.mark.parametrize(
    ("entry", "url"),
    [
        ("data.austintexas.gov", PORTAL),
        ("data.austintexas.gov", "http://DATA.austintexas.gov./x"),
        (".austintexas.gov", PORTAL),
        ("https://data.austintexas.gov/api/views/", PORTAL),
        ("https://data.austintexas.gov/api/views/dx9v-zd7x/rows.csv", PORTAL),
        ("https://data.austintexas.gov:443", PORTAL),
        ("example.org:8080", "http://example.org:8080/a.csv"),
        ("http://example.org:8080/exports", "http://example.org:8080/exports/a.csv"),
        ("http://93.184.216.34/", "http://93.184.216.34/a.csv"),
    ],
)
def test_what_an_entry_names_may_be_fetched(entry: str, url: str) -> None:
    assert Sources([entry], []).endpoint(url).target.startswith("/")


@pytest.mark.parametrize(
    ("entry", "url"),
    [
        ("data.austintexas.gov", "https://austintexas.gov/"),
        ("data.austintexas.gov", "https://data.austintexas.gov.example.org/"),
        ("data.austintexas.gov", "https://evil-data.austintexas.gov/"),
        ("data.austintexas.gov", "https://data.austintexas.gov:8443/"),
        (".austintexas.gov", "https://austintexas.gov/"),
        (".austintexas.gov", "https://evilaustintexas.gov/"),
        ("https://example.org/exports", "https://example.org/exports2/a.csv"),
        ("https://example.org/exports/", "https://example.org/other.csv"),
        ("https://example.org/exports/", "http://example.org/exports/a.csv"),
    ],
)
def test_what_it_does_not_name_may_not_and_the_refusal_says_who_can_change_that(entry: str, url: str) -> None:
    with pytest.raises(Refused, match="DATA_URLS does not name it; whoever runs the service can add"):
        Sources([entry], []).endpoint(url)


@pytest.mark.parametrize("path", ["exports/../secret", "exports/%2e%2e/secret", "exports/..%2fsecret", "exports/%2E./secret"])
def test_a_path_does_not_leave_what_is_named(path: str) -> None:
    with pytest.raises(Refused, match="must not go up"):
        Sources(["https://example.org/exports/"], []).endpoint(f"https://example.org/{path}")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://me:secret@example.org/", "user name or password"),
        ("ftp://example.org/", "https:// or http://"),
        ("https://example.org/#x", "fragment"),
        ("https://example.org\\@evil.example/", "backslash"),
        ("http://127.0.0.1/", "DATA_URLS_ALLOW"),
        ("http://169.254.169.254/latest", "DATA_URLS_ALLOW"),
        ("http://localhost/", "DATA_URLS_ALLOW"),
    ],
)
def test_no_url_goes_where_no_request_may(url: str, words: str) -> None:
    with pytest.raises(Refused, match=words):
        Sources(["example.org", "127.0.0.1", "169.254.169.254", "localhost"], []).endpoint(url)


def test_nothing_may_be_fetched_by_default_and_what_is_private_where_both_settings_say_so() -> None:
    with pytest.raises(Refused, match=r"DATA_URLS is empty; whoever runs the service can add data.austintexas.gov to it"):
        Sources(load_settings().data_urls, []).endpoint(PORTAL)
    assert Sources(["http://127.0.0.1:8000/"], ["127.0.0.0/8"]).endpoint("http://127.0.0.1:8000/a.csv").port == 8000


@pytest.mark.parametrize(
    "entry",
    [
        "a b",
        "ftp://example.org/",
        "https://me@example.org/",
        "https://example.org/?a=b",
        "example.org/exports",
        "https://",
        "a:b",
    ],
)
def test_an_entry_that_is_none_is_named_at_the_start(entry: str) -> None:
    with pytest.raises(SettingsError, match="DATA_URLS"):
        load_settings(data_urls=entry)


def test_what_others_see_of_a_url_has_no_login_and_no_query() -> None:
    assert shown("https://me:secret@example.org:8080/a.csv?token=secret#x") == "https://example.org:8080/a.csv?…"
    assert shown("https://example.org/a.csv") == "https://example.org/a.csv"
