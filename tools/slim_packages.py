"""Removes from installed packages what no program of ours loads: `python tools/slim_packages.py FOLDER`, in the images' builds.

Tests, headers and sources of compiled modules, type stubs, and parts of pyarrow that reach other systems. What stays still
imports, which the tests of the images check. Whoever needs a part in an operation of their own takes its line out here.
"""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

# Patterns below site-packages. pyarrow: Flight (RPC), Substrait (query plans), Gandiva, S3, GCS, Azure and HDFS.
# libarrow_substrait.so stays: every module of pyarrow is linked against it.
DEAD_WEIGHT = [
    *("pandas/tests", "numpy/**/tests", "matplotlib/tests", "mpl_toolkits/**/tests", "pyarrow/tests"),
    *("matplotlib/mpl-data/sample_data", "pyarrow/include", "pyarrow/src", "numpy/_core/include", "numpy/**/lib/*.a"),
    *("pyarrow/*flight*", "pyarrow/*gandiva*", "pyarrow/_substrait*", "pyarrow/substrait*", "pyarrow/_pyarrow_cpp_tests*"),
    *("pyarrow/libarrow_s3*", "pyarrow/_s3fs*", "pyarrow/_gcsfs*", "pyarrow/_azurefs*", "pyarrow/_hdfs*"),
    *(
        f"{package}/**/*.{ending}"
        for package in ("pyarrow", "pandas", "numpy", "matplotlib", "PIL", "fontTools")
        for ending in ("pyx", "pxd", "pxi", "pyi", "c", "cpp", "h")
    ),
]


def dead_weight(packages: Path) -> Iterator[Path]:
    """Files and folders of `packages` (a site-packages folder) that nobody loads."""
    for pattern in DEAD_WEIGHT:
        yield from packages.glob(pattern)
    # A wheel holds no links: one library of several names is there several times, and only its SONAME is looked for.
    for library in packages.glob("pyarrow/lib*.so"):
        versions = sorted(packages.glob(f"pyarrow/{library.name}.*"), key=lambda path: len(path.name))
        if versions:
            yield from [library, *versions[1:]]


def size(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    return sum(each.stat().st_size for each in ([path] if path.is_file() else path.rglob("*")) if each.is_file())


def slim(packages: Path) -> int:
    """Remove the dead weight; the bytes that are free now."""
    freed = 0
    for path in list(dead_weight(packages)):
        if path.exists():  # else it was in a folder that is gone
            freed += size(path)
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return freed


if __name__ == "__main__":
    packages = Path(sys.argv[1])
    print(f"removed {slim(packages) / 1e6:.0f} MB, {size(packages) / 1e6:.0f} MB are left")
