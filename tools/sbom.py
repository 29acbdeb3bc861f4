"""Lists the Python packages of both images in CycloneDX's form: `python -m tools.sbom FOLDER`, called by `make release-files`.

Read from the locked requirements that the images are built from, with the hashes that pip checks, and without a network.
What else is in an image, Debian's packages above all, is in the list that buildx attaches to it.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from packaging.markers import Marker

from trafficjobs import __version__

ROOT = Path(__file__).parents[1]


def python_of(image: str) -> str:
    """The Python that an image is built on, such as 3.13."""
    found = re.search(r"/python:(\d+\.\d+)-slim$", (ROOT / f"services/{image}/Dockerfile").read_text(), flags=re.MULTILINE)
    assert found, f"services/{image}/Dockerfile is not built from python:X.Y-slim"
    return found[1]


def installed(requirements: str, python: str) -> str:
    """The lines of a requirements file that pip installs in an image; the file also holds those for other platforms."""
    here = {"python_version": python, "python_full_version": f"{python}.99", "sys_platform": "linux", "os_name": "posix"}
    here |= {"platform_system": "Linux", "implementation_name": "cpython", "platform_python_implementation": "CPython"}
    chosen = []
    for line in requirements.replace("\\\n", " ").splitlines():
        pinned, _, hashes = line.partition(" --hash")
        name, _, marker = pinned.partition(" ; ")
        if line[:1].isalnum() and (not marker or Marker(marker).evaluate(here)):
            chosen.append(f"{name.strip()} --hash{hashes}\n")
    return "".join(chosen)


def write(image: str, folder: Path) -> Path:
    """The list of one image; the same bytes for the same requirements."""
    target = folder / f"trafficjobs-{image}-{__version__}.cdx.json"
    packages = installed((ROOT / f"requirements/{image}.txt").read_text(), python_of(image))
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as subject:
        subject.write(f'[project]\nname = "trafficjobs-{image}"\nversion = "{__version__}"\nlicense = "Apache-2.0"\n')
        subject.flush()
        # The root depends on packages that no requirements file tells apart, of which a warning is no news.
        command = [sys.executable, "-W", "ignore::UserWarning", "-m", "cyclonedx_py", "requirements", "--output-reproducible"]
        command += ["--pyproject", subject.name, "--output-file", str(target), "-"]
        subprocess.run(command, input=packages, text=True, check=True)
    return target


if __name__ == "__main__":
    for name in ("api", "worker"):
        write(name, Path(sys.argv[1]))
