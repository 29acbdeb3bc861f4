"""The pages that are made from the code are what the code says, and the table of keys is what is in Redis."""

import re

import pytest

from lib.scripts import FOLDER, script_names
from lib.settings import RESERVED_QUEUE_NAMES, Settings
from lib.states import TRANSITIONS
from tests.poison.conftest import release
from tests.poison.release import Release
from tools.reference import keys, modules, states, values
from tools.reference.pages import DOCS, PAGES
from tools.reference.scripts import head, named_keys

__all__ = ["release"]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_is_made_from_the_code(name: str) -> None:
    assert (DOCS / name).read_text() == PAGES[name](), "run: make reference"


def test_every_move_is_drawn_and_every_state_explained() -> None:
    drawn = re.findall(r"^    (\S+) --> (\S+)$", states.diagram(), re.MULTILINE)
    assert len(drawn) == sum(map(len, TRANSITIONS.values())) + 3  # three states are left for good
    assert ("[*]", "submitted") in drawn
    assert ("in_progress", "complete") in drawn
    source = "TRANSITIONS = {\n    # One.\n    # Two.\n    NEW: frozenset({A}),\n    FAILED: frozenset(),\n}"
    assert states.remarks(source) == {"new": "One. Two.", "failed": ""}


def test_a_comment_of_the_values_belongs_to_the_key_below_it() -> None:
    text = "# -- First.\na:\n  # Of b,\n  # more.\n  b: 1\n  c: {}\n    # d: 2\n  e: x\n"
    comments = values.Comments(text)
    root = values.yaml.compose(text)
    ((a, inner),) = root.value
    assert comments.of(a) == "First."
    assert [comments.of(key) for key, _ in inner.value] == ["Of b, more.", "", ""]


def test_every_value_is_on_the_page_and_those_of_the_service_are_explained() -> None:
    page = values.page()
    rows = dict(re.findall(r"^\| `([\w.]+)` \| .*? \| (.*) \|$", page, re.MULTILINE))
    assert {"nameOverride", "api.service.port", "worker.keda.minReplicas", "externalRedis.tls.caSecret"} <= rows.keys()
    assert [name for name, about in rows.items() if name.startswith("config.") and not about] == []


def test_every_script_says_what_it_does_its_keys_and_what_it_returns() -> None:
    for name in script_names():
        about, *rest = head(FOLDER / f"{name}.lua")
        assert about.endswith("."), name
        assert any(part.startswith("Keys: ") for part in rest), name
        assert any("Returns " in part for part in rest), name


def test_every_key_that_the_head_of_a_script_names_has_its_row() -> None:
    for name in script_names():
        for each in named_keys(FOLDER / f"{name}.lua"):
            assert keys.meant(each) or not re.search(r"[.:*<]", each), (name, each)
    assert {"job.<id>", "holds", "<queue>.leases"} <= set(named_keys(FOLDER / "turn.lua"))  # those of finish and claim


def test_keys_are_found_by_their_most_particular_row() -> None:
    for name, row in {
        "job.a1": "job.<id>",
        "job.a1.files": "job.<id>.files",
        "jobs.in-progress": "jobs.<status>",
        "jobs.expiry": "jobs.expiry",
        "data.v-1.12": "data.<version>.<n>",
        "hotqueue:job-queue:low.paused": "hotqueue:<queue>:<priority>.paused",
        "job-queue.leases": "<queue>.leases",
    }.items():
        found = keys.find(name)
        assert found is not None
        assert found.name == row
    assert keys.find("nobody") is None


def test_whatever_a_release_has_in_redis_has_its_row_with_its_type_and_expiry(release: Release, settings: Settings) -> None:
    prefix, seen = release.prefix, set()
    for client, among in ((release.jobs.store.records, keys.RECORDS), (release.jobs.store.queues, keys.QUEUES)):
        for key in client.scan_iter(f"*{prefix}*", count=1_000):
            name = key.decode().replace(prefix, "", 1)
            row = keys.find(name, among)
            assert row is not None, name
            assert client.type(key).decode() == row.type, name
            assert client.ttl(key) == -1 or row.expiry, name
            seen.add(row)
    assert len(seen) > 30


def test_the_types_are_those_that_upkeep_expects() -> None:
    text = (FOLDER / "tidy.lua").read_text()
    table = text[text.index("local TYPES") : text.index("local function")].replace("'\n      .. '", "")
    records, queues = table.split("[QUEUES]")
    expected = 0
    for part, among in ((records, keys.RECORDS), (queues, keys.QUEUES)):
        for kind, names in re.findall(r"(\w+) = '([^']*)'", part):
            for name in names.split():
                row = keys.find(name, among)
                assert row is not None, name
                assert row.type == kind, name
                expected += 1
    assert expected > 25


def test_every_script_has_a_sender() -> None:
    assert {name for sent in modules.senders().values() for name in sent} == set(script_names())


def test_arrows_between_packages_are_imports() -> None:
    drawn = modules.arrows()
    assert ("services/api", "lib") in drawn
    assert ("lib", "lib/scripts") in drawn
    assert not [pair for pair in drawn if pair[0].startswith("lib") and pair[1].startswith(("services", "trafficjobs/"))]
    assert modules.package_of("lib.scripts.compose") == "lib/scripts"
    assert modules.package_of("redis.client") is None
    assert re.findall(r"^    lib_backup --> (\w+)$", modules.diagram(), re.MULTILINE) == ["lib"]


def test_no_queue_is_named_as_a_key_of_ours_begins() -> None:
    beginnings = {key.name.partition(".")[0] for key in keys.RECORDS + keys.QUEUES}
    assert beginnings - {"<queue>"} == RESERVED_QUEUE_NAMES | {each for each in beginnings if each.startswith("hotqueue:")}
