"""What a release is made from, and what is pushed and signed; programs that push are stand-ins that write down their calls."""

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workers import ROOT
from tools import publish
from tools.release import changelog, listing, notes, problems
from tools.sbom import installed, python_of, write
from trafficjobs import __version__

REGISTRY = "registry.test/jobs"
DIGEST = f"sha256:{'ab' * 32}"
# A stand-in: writes its arguments down, then what docker leaves and what helm says.
STAND_IN = f"""#!{sys.executable}
import json, sys
from pathlib import Path
here = Path(__file__)
with (here.parent / "calls").open("a") as calls:
    calls.write(json.dumps([here.name, *sys.argv[1:]]) + "\\n")
if "--metadata-file" in sys.argv:
    Path(sys.argv[sys.argv.index("--metadata-file") + 1]).write_text('{{"containerimage.digest": "{DIGEST}"}}')
if here.name == "helm":
    print("Pushed: a chart\\nDigest: {DIGEST}")
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The files that name a version, for 1.2.3."""
    (tmp_path / "charts/trafficjobs").mkdir(parents=True)
    (tmp_path / "charts/trafficjobs/Chart.yaml").write_text(
        'name: trafficjobs\nversion: 1.2.3\nappVersion: "1.2.3"\nannotations:\n'
        "  images: |\n    - image: registry.test/api:1.2.3\n"
    )
    (tmp_path / "CHANGELOG.md").write_text(
        "# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2026-11-22\n\n### Added\n\n- One thing\n  in two lines.\n  - Its part.\n"
        "\n## [1.2.2] - 2026-11-01\n\n- Older.\n"
    )
    return tmp_path


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where stand-ins for docker, cosign, helm and gh write down how they were called."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("docker", "cosign", "helm", "gh"):
        (folder / name).write_text(STAND_IN)
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder / "calls"


def make(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "--no-print-directory", *arguments, f"PY={sys.executable}", f"PYTHON={sys.executable}"]
    return subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, timeout=60)


def test_this_version_could_be_released() -> None:
    assert problems("") == []


def test_a_tag_of_the_version_is_released(tree: Path) -> None:
    assert problems("v1.2.3", tree, "1.2.3") == []


@pytest.mark.parametrize("tag", ["v1.2.4", "1.2.3", "v1.2.3-rc1"])
def test_no_other_tag_is(tag: str, tree: Path) -> None:
    assert [f"the tag must be v{'1.2.3'}" in line for line in problems(tag, tree, "1.2.3")] == [True]


def test_every_place_that_names_another_version_is_named(tree: Path) -> None:
    found = problems("v1.3.0", tree, "1.3.0")
    assert [line.split()[0] for line in found] == ["version", "appVersion", "registry.test/api", "CHANGELOG.md"]


def test_without_a_tag_the_changes_may_be_unreleased(tree: Path) -> None:
    chart = tree / "charts/trafficjobs/Chart.yaml"
    chart.write_text(chart.read_text().replace("1.2.3", "1.3.0"))
    assert problems("", tree, "1.3.0") == []
    assert problems("v1.3.0", tree, "1.3.0") == ["CHANGELOG.md has no section [1.3.0]"]


@pytest.mark.parametrize("heading", ["## [1.2.3]\n", "## [1.2.3] - soon\n", "## [1.2.3] - 2026-11-22\n\n## [1.2.2]\n"])
def test_a_section_has_a_date_and_says_something(heading: str, tree: Path) -> None:
    (tree / "CHANGELOG.md").write_text(f"{heading}\n- Something.\n")
    assert ["has no date or says nothing" in line for line in problems("v1.2.3", tree, "1.2.3")] == [True]


def test_a_version_that_helm_does_not_understand_is_refused(tree: Path) -> None:
    assert "not X.Y.Z" in problems("v1.2.3rc1", tree, "1.2.3rc1")[0]


def test_the_notes_are_the_section_of_the_version_one_line_an_item(tree: Path) -> None:
    assert notes(tree, "1.2.3") == "### Added\n\n- One thing in two lines.\n  - Its part."
    assert list(changelog(tree)) == ["Unreleased", "1.2.3", "1.2.2"]


def test_a_tag_never_reaches_a_shell(tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    for tag in (f"v$(touch {witness})", f"v$(shell touch {witness})", f'v"; touch {witness}; "'):
        ended = make("release-check", RELEASE_TAG=tag)
        assert ended.returncode != 0
        assert f"the tag is {tag}," in ended.stderr
    assert not witness.exists()


def test_every_file_is_listed_with_its_size_and_sum(tmp_path: Path) -> None:
    (tmp_path / "a.whl").write_bytes(b"a" * 1234)
    (tmp_path / "NOTES.md").write_text("The text of the page is no file of the release.")
    digest = hashlib.sha256(b"a" * 1234).hexdigest()
    for _ in range(2):
        assert listing(tmp_path).split() == ["1,234", digest, f"{tmp_path.name}/a.whl"]
    assert (tmp_path / "SHA256SUMS").read_text() == f"{digest}  a.whl\n"


def test_a_list_of_packages_holds_what_linux_installs_and_nothing_else() -> None:
    text = (ROOT / "requirements/worker.txt").read_text()
    names = [line.partition("==")[0] for line in installed(text, python_of("worker")).splitlines()]
    locked = set(re.findall(r"^([\w.-]+)==", text, flags=re.MULTILINE))
    assert locked - set(names) == {"async-timeout", "colorama"}
    assert "ptyprocess" in names


@pytest.mark.slow
@pytest.mark.once
def test_the_list_of_packages_names_every_one_with_its_hashes_and_no_place_of_this_machine(tmp_path: Path) -> None:
    for image in ("api", "worker"):
        text = write(image, tmp_path).read_text()
        read = json.loads(text)
        assert read["metadata"]["component"]["name"] == f"trafficjobs-{image}"
        pinned = installed((ROOT / f"requirements/{image}.txt").read_text(), python_of(image)).splitlines()
        assert sorted(f"{part['name']}=={part['version']}" for part in read["components"]) == sorted(
            line.partition(" ")[0] for line in pinned
        )
        assert all(part["externalReferences"][0]["hashes"] for part in read["components"])
        assert not re.search(r'"(/|file:)', text)


def test_images_are_pushed_for_both_platforms_and_signed_by_their_digests(calls: Path) -> None:
    ended = make("release-images", f"REGISTRY={REGISTRY}", "REVISION=0123")
    assert ended.returncode == 0, ended.stderr
    called = [json.loads(line) for line in calls.read_text().splitlines()]
    assert [call[0] for call in called] == ["docker", "cosign", "cosign"] * 2
    for image, (build, sign, attest) in {"api": called[:3], "worker": called[3:]}.items():
        assert {"--push", "--sbom=true", f"VERSION={__version__}", "REVISION=0123"} <= set(build)
        assert build[build.index("--platform") + 1] == "linux/amd64,linux/arm64"
        assert build[build.index("--tag") + 1] == f"{REGISTRY}/{image}:{__version__}"
        assert sign == ["cosign", "sign", "--yes", f"{REGISTRY}/{image}@{DIGEST}"]
        predicate = str(ROOT / f"dist/trafficjobs-{image}-{__version__}.cdx.json")
        assert attest[1:] == ["attest", "--yes", "--type", "cyclonedx", "--predicate", predicate, f"{REGISTRY}/{image}@{DIGEST}"]


def test_the_chart_is_pushed_and_signed_by_its_digest(calls: Path) -> None:
    ended = make("release-chart", f"REGISTRY={REGISTRY}")
    assert ended.returncode == 0, ended.stderr
    push, sign = (json.loads(line) for line in calls.read_text().splitlines())
    assert push == ["helm", "push", str(ROOT / f"dist/trafficjobs-{__version__}.tgz"), f"oci://{REGISTRY}/charts"]
    assert sign == ["cosign", "sign", "--yes", f"{REGISTRY}/charts/trafficjobs@{DIGEST}"]


def test_the_page_has_every_file_and_a_tag_that_is_pushed(calls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dist = tmp_path / "dist"
    dist.mkdir()
    for name in ("NOTES.md", "SHA256SUMS", "trafficjobs.tgz"):
        (dist / name).touch()
    monkeypatch.setattr(publish, "DIST", dist)
    publish.page(REGISTRY)
    (call,) = (json.loads(line) for line in calls.read_text().splitlines())
    assert call[:5] == ["gh", "release", "create", f"v{__version__}", "--verify-tag"]
    assert call[call.index("--notes-file") + 1 :] == [str(dist / name) for name in ("NOTES.md", "SHA256SUMS", "trafficjobs.tgz")]


def test_what_fails_to_be_pushed_is_not_signed(calls: Path) -> None:
    (calls.parent / "docker").write_text("#!/bin/sh\necho denied\nexit 3\n")
    ended = make("release-images", f"REGISTRY={REGISTRY}")
    assert ended.returncode != 0
    assert "denied" in ended.stdout
    assert "docker ended with 3" in ended.stderr
    assert not calls.exists()
