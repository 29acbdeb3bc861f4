"""What a release is made from: `python -m tools.release check`, `notes` and `list`, called by the targets under Release.

Needs nothing but Python, so that the jobs that publish install nothing. RELEASE_TAG comes from the environment and never
through a shell: git allows `$(...)` in the name of a tag.
"""

import hashlib
import os
import re
import sys
from pathlib import Path

from trafficjobs import __version__

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"
# The text of the page, and no file of it.
NOTES = "NOTES.md"


class ReleaseError(Exception):
    """No release can be made; the text says why, a line for each reason."""


def changelog(root: Path = ROOT) -> dict[str, str]:
    """Sections of CHANGELOG.md by what stands in brackets, with the heading on their first line."""
    parts = re.split(r"^## (?=\[)", (root / "CHANGELOG.md").read_text(), flags=re.MULTILINE)[1:]
    return {part[1 : part.index("]")]: part.strip() for part in parts}


def problems(tag: str, root: Path = ROOT, version: str = __version__) -> list[str]:
    """Why `tag` cannot be released; without a tag, why nothing could. A dry run may have its changes under [Unreleased]."""
    found = []
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        found.append(f"the version {version} is not X.Y.Z, the only form that Python and Helm both understand")
    if tag and tag != f"v{version}":
        found.append(f"the tag is {tag}, and trafficjobs/__init__.py says {version}: the tag must be v{version}")
    chart = (root / "charts/trafficjobs/Chart.yaml").read_text()
    for key in ("version", "appVersion"):
        line = re.search(rf'^{key}: *"?([^"\s]*)', chart, flags=re.MULTILINE)
        if line is None or line[1] != version:
            found.append(f"{key} in charts/trafficjobs/Chart.yaml is {line[1] if line else 'missing'}, not {version}")
    for image, tagged in re.findall(r"^[ -]*image: (\S+):(\S+)$", chart, flags=re.MULTILINE):
        if tagged != version:
            found.append(f"{image} in charts/trafficjobs/Chart.yaml is {tagged}, not {version}")
    sections = changelog(root)
    if version not in sections and (tag or "Unreleased" not in sections):
        found.append(f"CHANGELOG.md has no section [{version}]")
    elif version in sections and not re.match(rf"\[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d\n+\S", sections[version]):
        found.append(f"the section [{version}] of CHANGELOG.md has no date or says nothing: ## [{version}] - YYYY-MM-DD")
    return found


def check() -> str:
    """One line about what would be released. Raises ReleaseError."""
    tag = os.environ.get("RELEASE_TAG", "")
    found = problems(tag)
    if found:
        raise ReleaseError("\n".join(found))
    section = __version__ if __version__ in changelog() else "Unreleased"
    return f"{tag or 'No tag'}: version {__version__} everywhere, notes from [{section}] of CHANGELOG.md"


def notes(root: Path = ROOT, version: str = __version__) -> str:
    """The changes of this version without their heading. A forge shows every line break, so each item becomes one line."""
    sections = changelog(root)
    body = sections[version if version in sections else "Unreleased"].partition("\n")[2].strip()
    return re.sub(r"\n +(?=[^\s*-])", " ", body)


def listing(folder: Path = DIST) -> str:
    """A line for each file of the release with its size and SHA-256; SHA256SUMS holds the sums, for `sha256sum --check`."""
    files = sorted(path for path in folder.iterdir() if path.name not in (NOTES, "SHA256SUMS"))
    sums = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    (folder / "SHA256SUMS").write_text("".join(f"{digest}  {name}\n" for name, digest in sums.items()))
    return "\n".join(f"{path.stat().st_size:>10,}  {sums[path.name]}  {folder.name}/{path.name}" for path in files)


def main() -> None:
    """Print what was asked for; errors on stderr, with status 1."""
    commands = {"check": check, "notes": notes, "list": listing}
    try:
        print(commands[sys.argv[1]]())
    except ReleaseError as error:
        sys.exit(f"No release:\n{error}")


if __name__ == "__main__":
    main()
