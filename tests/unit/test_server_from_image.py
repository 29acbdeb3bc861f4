"""A program is taken out of an image and started with the libraries of the image, without a container."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.server_from_image import inside
from tests.servers import embedded_binary
from tests.workers import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="programs in images are of Linux")

# What create, export and rm of an engine do, with a folder in place of an image.
_ENGINE = """#!/bin/sh
case "$1" in
create) test -d "$2" && echo "$2" ;;
export) tar --create --directory "$2" . ;;
rm) touch "$2.removed" ;;
esac
"""


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """The embedded server, under the name of another program, its libraries, and a loader behind an absolute link."""
    folder = tmp_path / "image"
    (folder / "usr/bin").mkdir(parents=True)
    shutil.copy(embedded_binary(), folder / "usr/bin/valkey-check-rdb")
    (folder / "usr/bin/valkey-server").symlink_to("valkey-check-rdb")
    needed = subprocess.run(["ldd", embedded_binary()], check=True, capture_output=True, text=True).stdout.split()
    (folder / "usr/lib").mkdir()
    (folder / "lib64").symlink_to("/usr/lib")
    (folder / "lib").symlink_to("usr/lib")
    for library in {word for word in needed if word.startswith("/")}:
        shutil.copy(library, folder / "usr/lib")
    return folder


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "engine"
    program.write_text(_ENGINE)
    program.chmod(0o755)
    monkeypatch.setenv("ENGINE", str(program))


def take(image: Path, program: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tests.server_from_image", str(image), program, str(folder)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.usefixtures("engine")
def test_a_server_starts_with_the_loader_and_libraries_of_its_image(image: Path, tmp_path: Path) -> None:
    done = take(image, "valkey-server", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    script = Path(done.stdout.strip())
    assert f"{tmp_path}/out/usr/lib/ld-" in script.read_text()
    version = subprocess.run([script, "--version"], capture_output=True, text=True, check=True).stdout
    assert "server v=" in version
    assert Path(f"{image}.removed").exists()


@pytest.mark.usefixtures("engine")
def test_a_program_that_is_not_there_is_named(image: Path, tmp_path: Path) -> None:
    done = take(image, "redis-server", tmp_path / "out")
    assert done.returncode != 0
    assert "the image holds no redis-server" in done.stderr


def test_links_are_followed_within_the_image(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/file").touch()
    for name, target in {"absolute": "/a/b/file", "up": "a/../../../a/b/file", "chain": "absolute"}.items():
        (tmp_path / name).symlink_to(target)
        assert inside(tmp_path, name) == tmp_path / "a/b/file"
    os.symlink("circle", tmp_path / "circle")
    with pytest.raises(OSError, match="circle"):
        inside(tmp_path, "circle")
