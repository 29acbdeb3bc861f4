"""The picture of a soak: what each process holds over the jobs that have ended, one panel for each unit."""

from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from lib.pictures.style import SETTINGS, SOFT
from tests.load.soak import Report

_PANELS = {
    "memory of a process (PSS, MiB)": ("PSS", "MiB"),
    "open files of a process": ("files", "files"),
    "keys in Redis": ("redis, keys", "keys"),
}


def draw(report: Report, path: Path) -> None:
    """Write it as the file's ending says."""
    jobs = [sample.jobs for sample in report.samples]
    with matplotlib.rc_context(SETTINGS | {"font.size": 9}):
        figure = Figure(figsize=(8, 8), layout="constrained")
        for axes, (title, (word, unit)) in zip(figure.subplots(len(_PANELS), sharex=True), _PANELS.items(), strict=True):
            for each in report.growths:
                if word in each.name and unit == each.unit:
                    values = [sample.values.get((each.name, each.unit), float("nan")) for sample in report.samples]
                    axes.plot(jobs, values, label=each.name.partition(",")[0], linewidth=1)
            axes.set_title(title, loc="left", fontsize=10)
            axes.set_ylim(bottom=0)
            axes.spines[["top", "right"]].set_visible(False)
            axes.tick_params(colors=SOFT)
            if len(axes.lines) > 1:
                axes.legend(frameon=False, ncols=3, fontsize=8)
        axes.set_xlabel("jobs that have ended")
        figure.savefig(path, dpi=110)
