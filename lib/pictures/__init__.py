"""Pictures of the results of the analysis, as PNG and SVG, in one style: `draw(kind, result, caption).png()`.

They are drawn from plain results and know neither the data nor the queue. See docs/pictures.md.
"""

from lib.pictures.ground import Background
from lib.pictures.picture import KINDS, Picture, draw
from lib.pictures.sheet import Caption

__all__ = ["KINDS", "Background", "Caption", "Picture", "draw"]
