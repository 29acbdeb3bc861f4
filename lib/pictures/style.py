"""How every picture looks: sizes in points, colours, and the settings of matplotlib under which all are drawn.

A picture is 6.4 inches wide. Its smallest text is 15.4 points, which shows as 9 points where a phone makes the picture 360
pixels wide, and prints well. The settings start from matplotlib's own defaults, so that nobody else's change them.
"""

from typing import Any

import matplotlib
from matplotlib import colors

WIDTH, DPI = 460.8, 200
SMALL, TITLE = 15.4, 20.0
LINE_HEIGHT = 1.3
EDGE = 14.0
"""Free space around everything, in points."""

# Told apart in grey and by eyes that lack one kind of cone: tests/pictures/test_colours.py. Text is INK or SOFT only.
INK, SOFT, GRID, PAPER = "#1f2933", "#4b5864", "#dfe3e8", "#ffffff"
COUNT, PALE, ACCENT, BASE = "#24648f", "#b4cde0", "#e8862e", "#8d99a6"

# One hue (262 degrees of CIELAB) in equal steps of lightness, from L* 95 to 26.
HEAT = colors.LinearSegmentedColormap.from_list(
    "heat",
    [
        *("#edf1f6", "#d7e1ef", "#c0d2e7", "#aac3de", "#94b4d5", "#7fa5cb", "#6a96c0"),
        *("#5687b4", "#4379a6", "#316b97", "#205d87", "#104f76", "#034164"),
    ],
)
# Greys from L* 93 to 63, light enough that rings and ranks stand out.
DENSITY = colors.LinearSegmentedColormap.from_list("density", ("#ececec", "#989898"))

# Which backend draws is nobody's choice here: the format of the file decides.
Look = dict[str, Any]
"""How a mark is drawn: arguments of matplotlib."""
SETTINGS: Any = {name: value for name, value in matplotlib.rcParamsDefault.items() if not name.startswith("backend")}
SETTINGS |= {
    "font.family": ["DejaVu Sans", "sans-serif"],  # comes with matplotlib; an SVG falls back to what the reader has
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": SMALL,
    "font.enable_last_resort": False,
    "text.parse_math": False,  # a $ in an address is a $
    "text.usetex": False,
    "text.color": INK,
    "axes.unicode_minus": True,
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "svg.fonttype": "none",
    "svg.hashsalt": "trafficjobs",
    "svg.image_inline": True,
    "hatch.linewidth": 1.2,
}
