"""A server program out of a container image, to test on where no such server is installed:

    python -m tests.server_from_image docker.io/valkey/valkey:8-alpine valkey-server build/valkey-8

unpacks the image into the folder and prints the path of a script that starts the program, with the libraries and the dynamic
loader of its image; TRAFFICJOBS_SERVER takes it. No container runs. The image must be there, or the engine pulls it.
"""

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

PROGRAMS = ("usr/local/bin", "usr/local/sbin", "usr/bin", "usr/sbin", "bin", "sbin")
LIBRARIES = ("usr/local/lib", "usr/lib", "lib", "usr/lib/*-linux-*", "lib/*-linux-*")


def engine_with(image: str) -> str | None:
    """The engine that ENGINE names, or has the image, or could pull it."""
    there = [name for name in ("docker", "podman") if shutil.which(name)]
    has = (name for name in there if not subprocess.run([name, "image", "inspect", image], capture_output=True).returncode)
    return os.environ.get("ENGINE") or next(has, None) or next(iter(there), None)


def unpack(image: str, folder: Path, engine: str) -> None:
    """Everything in the image, into an empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    made = subprocess.run([engine, "create", image], check=True, stdout=subprocess.PIPE, text=True)
    container = made.stdout.strip().splitlines()[-1]
    try:
        with subprocess.Popen([engine, "export", container], stdout=subprocess.PIPE) as export:
            unpacking = ["tar", "--extract", "--no-same-owner", "--exclude=dev/*", "--directory", str(folder)]
            subprocess.run(unpacking, stdin=export.stdout, check=True)
        if export.returncode:
            raise subprocess.CalledProcessError(export.returncode, export.args)
    finally:
        subprocess.run([engine, "rm", container], check=True, capture_output=True)


def inside(root: Path, name: str) -> Path:
    """The file behind a name in the image, whose links are followed within it."""
    found, todo = root, [part for part in name.split("/") if part]
    for _ in range(1_000):
        if not todo:
            return found
        part = todo.pop(0)
        step = found.parent if part == ".." and found != root else found if part in ("..", ".") else found / part
        if step.is_symlink():
            target = os.readlink(step)
            found, todo = root if target.startswith("/") else found, [*filter(None, target.split("/")), *todo]
        else:
            found = step
    raise OSError(f"{name} is a link that leads nowhere")


def wrapper(root: Path, program: str, script: Path) -> Path:
    """Write the script that starts the program as it would start in its image."""
    candidates = [inside(root, f"{folder}/{program}") for folder in PROGRAMS]
    found = next((path for path in candidates if path.is_file()), None)
    if found is None:
        raise FileNotFoundError(f"the image holds no {program}")
    loader = re.search(rb"/lib[\w/.-]*/ld-[\w.-]+", found.read_bytes())
    if loader is None:
        raise ValueError(f"{found} is linked statically and needs no loader; start it as it is")
    libraries = {str(path.resolve()) for pattern in LIBRARIES for path in root.glob(pattern) if path.is_dir()}
    command = [str(inside(root, loader[0].decode())), "--library-path", ":".join(sorted(libraries))]
    command += ["--argv0", program, str(found)]  # one file may be several programs, by the name that it is called by
    script.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
    script.chmod(0o755)
    return script


def main() -> int:
    """Unpack, write and print; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.server_from_image")
    parser.add_argument("image")
    parser.add_argument("program", help="its name: valkey-server, redis-server")
    parser.add_argument("folder", type=Path, help="for what the image holds; emptied before")
    given = parser.parse_args()
    engine = engine_with(given.image)
    if engine is None:
        print("Images are read by docker or podman, and neither is on PATH; install one, or name it as ENGINE.", file=sys.stderr)
        return 1
    root = given.folder.resolve()
    unpack(given.image, root, engine)
    print(wrapper(root, given.program, root / f"start-{given.program}"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
