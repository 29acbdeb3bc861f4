"""Where small texts stand beside their marks without covering each other."""

from dataclasses import dataclass, field

from lib.pictures.style import SMALL
from lib.pictures.words import width

PAD = 2.0
HIGH = SMALL * 1.25


@dataclass
class Labels:
    """Texts placed so far within a frame of `wide` by `high` points; whoever comes first has the better place."""

    wide: float
    high: float
    taken: list[tuple[float, float, float, float]] = field(default_factory=list)

    def take(self, left: float, top: float, wide: float, high: float = HIGH) -> bool:
        """Take a box for oneself; False where it is taken in part, or reaches out of the frame."""
        right, bottom = left + wide, top + high
        if left < 0 or top < 0 or right > self.wide or bottom > self.high:
            return False
        if any(left < r and right > x and top < b and bottom > y for x, y, r, b in self.taken):
            return False
        self.taken.append((left, top, right, bottom))
        return True

    def beside(self, x: float, y: float, radius: float, text: str) -> tuple[float, float] | None:
        """The middle of a text within its mark where it fits in there, else beside it; None where all is taken."""
        wide = width(text) + 2 * PAD
        side, away = radius + wide / 2, radius + HIGH / 2
        places = [(side, 0), (-side, 0), (0, -away), (0, away)]
        places += [(side * 0.8, -away * 0.8), (side * 0.8, away * 0.8), (-side * 0.8, -away * 0.8), (-side * 0.8, away * 0.8)]
        if radius * 1.7 >= wide:
            places.insert(0, (0, 0))
        for right, down in places:
            if self.take(x + right - wide / 2, y + down - HIGH / 2, wide):
                return x + right, y + down
        return None
