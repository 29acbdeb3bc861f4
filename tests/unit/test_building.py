"""What the images are built from, as far as it can be told without building them."""

import ast
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lib.fonts import lend_font_list
from tests.images.composition import compose
from tests.images.engine import ROOT
from tools.slim_packages import slim
from trafficjobs import __version__

IMAGES = {"api": f"ghcr.io/trafficjobs/api:{__version__}", "worker": f"ghcr.io/trafficjobs/worker:{__version__}"}


def make(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "--no-print-directory", *arguments]
    return subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, timeout=60)


def imported(folder: Path) -> Iterator[str]:
    """Every module that the programs of a folder import."""
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module


@pytest.mark.parametrize(
    ("folder", "others"),
    [("lib", ("services", "trafficjobs", "flask")), ("services/api", ("services.worker", "trafficjobs")),
     ("services/worker", ("services.api", "trafficjobs", "flask"))],
)  # fmt: skip
def test_what_is_in_one_image_imports_nothing_that_is_not(folder: str, others: tuple[str, ...]) -> None:
    names = {module for module in imported(ROOT / folder) if any(f"{module}.".startswith(f"{other}.") for other in others)}
    assert names <= {"trafficjobs"}  # its __init__ alone is in every image, for the version


def test_make_images_names_both_images_by_the_version_and_pulls_nothing_that_is_there() -> None:
    lines = [line for line in make("images", "BUILD=echo", "REGISTRY=ghcr.io/trafficjobs").stdout.splitlines() if "--tag" in line]
    for line, (name, image) in zip(lines, IMAGES.items(), strict=True):
        assert f"--pull=false --file services/{name}/Dockerfile --tag {image} --build-arg VERSION={__version__}" in line


def test_without_a_builder_make_images_says_what_is_missing() -> None:
    ended = make("images", "BUILD=")
    assert ended.returncode != 0
    assert "docker, podman or buildah" in ended.stderr


def test_compose_starts_the_images_of_this_version() -> None:
    services = compose({})["services"]
    assert {name: services[name]["image"] for name in IMAGES} == IMAGES
    assert services["upkeep"]["image"] == IMAGES["api"]


def test_compose_leaves_the_api_open_on_this_machine_alone() -> None:
    services = compose({})["services"]
    assert {name: service["ports"] for name, service in services.items() if "ports" in service} == {
        "api": ["127.0.0.1:5000:5000"]
    }


def test_compose_gives_the_worker_longer_than_its_grace() -> None:
    worker = compose({})["services"]["worker"]
    assert int(worker["stop_grace_period"].removesuffix("s")) >= int(worker["environment"]["WORKER_GRACE"]) + 10


def test_slimming_leaves_what_is_loaded(tmp_path: Path) -> None:
    dead = ["pandas/tests/test_a.py", "numpy/lib/tests/data/b.npy", "pyarrow/include/c.h", "pyarrow/_flight.so"]
    dead += ["pyarrow/lib.pyx", "pyarrow/libarrow_flight.so.26", "pyarrow/libarrow_python.so", "pyarrow/libarrow_python.so.26.1"]
    kept = ["pandas/testing.py", "numpy/testing/__init__.py", "pyarrow/libarrow_python.so.26", "pyarrow/libarrow.so.26"]
    kept += ["jedi/typeshed.pyi"]
    for name in [*dead, *kept]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"1234")
    assert slim(tmp_path) == 4 * len(dead)
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()} == set(kept)


def test_the_list_of_fonts_made_with_the_image_is_lent_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built_in, folder = tmp_path / "fonts", tmp_path / "writable" / "matplotlib"
    built_in.mkdir()
    (built_in / "fontlist-v1.json").write_text("made before")
    monkeypatch.setenv("MPLCONFIGDIR", str(folder))
    lend_font_list(built_in)
    assert {path.name: path.read_text() for path in folder.iterdir()} == {"fontlist-v1.json": "made before"}
    (folder / "fontlist-v1.json").write_text("made since")
    lend_font_list(built_in)
    assert (folder / "fontlist-v1.json").read_text() == "made since"


def test_where_no_fonts_can_be_lent_matplotlib_is_left_to_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built_in = tmp_path / "fonts"
    built_in.mkdir()
    (built_in / "fontlist-v1.json").write_text("made before")
    monkeypatch.setenv("MPLCONFIGDIR", "/proc/none")
    lend_font_list(built_in)
    monkeypatch.delenv("MPLCONFIGDIR")
    lend_font_list(built_in)
