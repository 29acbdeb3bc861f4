"""Each ordinary picture looks like the approved one in `approved/`, as far as another version of a font allows.

Both are made 320 pixels wide and compared pixel by pixel. `make approve-pictures` draws the approved ones anew, to be looked
at before they are committed.
"""

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.pictures.cases import ORDINARY, png_of

APPROVED = Path(__file__).parent / "approved"
WIDE = 320
MOST = 4.0
"""Root of the mean square of the difference, of 255: a moved axis gives 10 and more, another version of a font 1 to 3."""


def small(image: Image.Image) -> "np.ndarray[Any, np.dtype[np.float64]]":
    reduced = image.convert("RGB").resize((WIDE, round(image.height * WIDE / image.width)), Image.Resampling.BOX)
    return np.asarray(reduced, dtype=np.float64)


def difference(png: bytes, approved: Path) -> tuple[float, Image.Image | None]:
    """How far two pictures are apart, and where; infinitely far where their heights differ."""
    with Image.open(io.BytesIO(png)) as one, Image.open(approved) as other:
        here, there = small(one), small(other)
    if here.shape != there.shape:
        return float("inf"), None
    apart = np.abs(here - there)
    return float(np.sqrt((apart**2).mean())), Image.fromarray((255 - np.minimum(apart * 3, 255)).astype(np.uint8))


@pytest.mark.parametrize("name", ORDINARY)
def test_a_picture_looks_like_the_approved_one(name: str, tmp_path: Path) -> None:
    png, approved = png_of(name), APPROVED / f"{name}.png"
    if os.environ.get("APPROVE_PICTURES"):
        approved.parent.mkdir(exist_ok=True)
        approved.write_bytes(png)
    assert approved.is_file(), f"{approved} is missing: draw it with `make approve-pictures`, and look at it"
    apart, where = difference(png, approved)
    if apart > MOST:
        (tmp_path / "drawn.png").write_bytes(png)
        if where is not None:
            where.save(tmp_path / "difference.png")
        pytest.fail(
            f"{name} is {apart:.1f} away from {approved} (at most {MOST}). Look at drawn.png and difference.png in {tmp_path};"
            " if the new one is right: `make approve-pictures`"
        )


def test_a_picture_of_other_numbers_does_not_pass() -> None:
    other = png_of("by_weekday")
    with Image.open(io.BytesIO(other)) as image:
        moved = Image.new("RGB", image.size, "white")
        moved.paste(image.convert("RGB"), (0, 40))
    buffer = io.BytesIO()
    moved.save(buffer, "PNG")

    assert (
        difference(other, APPROVED / "by_weekday.png")[0] < MOST < difference(buffer.getvalue(), APPROVED / "by_weekday.png")[0]
    )
    assert difference(other, APPROVED / "heatmap.png")[0] > MOST
