"""Pushes a release and signs it: `python -m tools.publish images`, `chart` and `page`, in this order, by the workflow alone.

Takes what `make release-files` left in dist/. Only digests are signed, by cosign without a key of its own: the identity is the
workflow's. A step that fails leaves what is pushed so far and can be run again; the page, which people see, comes last.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.release import DIST, NOTES, ROOT
from trafficjobs import __version__


def run(*command: str) -> str:
    """Run a program in the root of the repository, and show what it says line by line; all of that. Fails where it fails."""
    print("+", *command, flush=True)
    said = []
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as running:
        for line in running.stdout or ():
            print(line, end="", flush=True)
            said.append(line)
    if running.returncode:
        sys.exit(f"{command[0]} ended with {running.returncode}")
    return "".join(said)


def build(image: str, registry: str, folder: Path) -> str:
    """Build an image for every platform and push it under its version; its name with the digest.

    buildx attaches how it was built and a list of everything in it, in SPDX's form.
    """
    metadata = folder / f"{image}.json"
    run(
        *("docker", "buildx", "build", "--platform", os.environ["PLATFORMS"], "--push"),
        *("--provenance=mode=max", "--sbom=true", "--metadata-file", str(metadata)),
        *("--file", f"services/{image}/Dockerfile", "--tag", f"{registry}/{image}:{__version__}"),
        *("--build-arg", f"VERSION={__version__}", "--build-arg", f"REVISION={os.environ['REVISION']}", "."),
    )
    return f"{registry}/{image}@{json.loads(metadata.read_text())['containerimage.digest']}"


def images(registry: str) -> None:
    """Both images: pushed, signed, and their Python packages attested."""
    with tempfile.TemporaryDirectory() as folder:
        for image in ("api", "worker"):
            packages = DIST / f"trafficjobs-{image}-{__version__}.cdx.json"
            name = build(image, registry, Path(folder))
            run("cosign", "sign", "--yes", name)
            run("cosign", "attest", "--yes", "--type", "cyclonedx", "--predicate", str(packages), name)


def chart(registry: str) -> None:
    """The chart: pushed and signed."""
    said = run("helm", "push", str(DIST / f"trafficjobs-{__version__}.tgz"), f"oci://{registry}/charts")
    digest = re.search(r"^Digest: (sha256:[0-9a-f]{64})$", said, flags=re.MULTILINE)
    if digest is None:
        sys.exit("helm push told no digest: nothing is signed")
    run("cosign", "sign", "--yes", f"{registry}/charts/trafficjobs@{digest[1]}")


def page(registry: str) -> None:
    """The release's page on the forge: the changes, and every file of dist/. Refused where the tag is not pushed."""
    files = sorted(str(path) for path in DIST.iterdir() if path.name != NOTES)
    title = ("--title", f"trafficjobs {__version__}", "--notes-file", str(DIST / NOTES))
    run("gh", "release", "create", f"v{__version__}", "--verify-tag", *title, *files)


if __name__ == "__main__":
    {"images": images, "chart": chart, "page": page}[sys.argv[1]](os.environ["REGISTRY"])
