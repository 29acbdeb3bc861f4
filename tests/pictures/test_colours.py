"""Colours that tell things apart keep a distance in grey and for colour-blind eyes; the heat map's steps look equal.

The simulation is that of Machado, Oliveira and Fernandes (2009) at full severity, on linear RGB.
"""

import itertools
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from lib.pictures.style import ACCENT, BASE, COUNT, DENSITY, HEAT, INK, PALE, PAPER, SOFT

Floats = np.ndarray[Any, np.dtype[np.float64]]
EYES = {
    "normal": np.eye(3),
    "protanopia": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
    "deuteranopia": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]),
    "tritanopia": np.array([[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]),
}
XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]])
TOGETHER = {
    "trend, bars": (COUNT, INK, PAPER),
    "trend, lines": (COUNT, ACCENT, PALE, PAPER),
    "anomalies": (COUNT, ACCENT, PALE, PAPER),
    "kinds": (COUNT, BASE, PAPER),
    "map": (ACCENT, INK, PAPER),
}


def linear(colour: Any) -> Floats:
    rgb = np.array(to_rgb(colour), dtype=np.float64)
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(colour: Any, eye: str = "normal") -> Floats:
    """CIELAB of a colour as an eye sees it."""
    xyz = XYZ @ np.clip(EYES[eye] @ linear(colour), 0, 1) / (XYZ @ np.ones(3))
    root = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * root[1] - 16, 500 * (root[0] - root[1]), 200 * (root[1] - root[2])])


def contrast(one: Any, other: Any) -> float:
    """The ratio of WCAG 2."""
    high, low = sorted(
        (float(np.array([0.2126, 0.7152, 0.0722]) @ linear(colour)) + 0.05 for colour in (one, other)), reverse=True
    )
    return high / low


@pytest.mark.parametrize("eye", EYES)
@pytest.mark.parametrize("where", TOGETHER)
def test_colours_that_stand_together_differ_for_every_eye(where: str, eye: str) -> None:
    for one, other in itertools.combinations(TOGETHER[where], 2):
        distance = float(np.linalg.norm(lab(one, eye) - lab(other, eye)))
        assert distance >= 15, (one, other, distance)


@pytest.mark.parametrize("where", TOGETHER)
def test_they_differ_in_grey(where: str) -> None:
    for one, other in itertools.combinations(TOGETHER[where], 2):
        assert abs(lab(one)[0] - lab(other)[0]) >= 12, (one, other)


def test_text_is_dark_enough_on_paper_on_rings_and_on_the_densest_ground() -> None:
    assert min(contrast(INK, PAPER), contrast(SOFT, PAPER)) >= 7
    ring = tuple(0.55 * ring + 0.45 * ground for ring, ground in zip(to_rgb(ACCENT), to_rgb(DENSITY(1.0)), strict=True))
    assert contrast(INK, ring) >= 4.5


@pytest.mark.parametrize("eye", EYES)
def test_the_heat_map_darkens_in_equal_steps_of_one_hue(eye: str) -> None:
    shades = np.array([lab(HEAT(share)[:3], eye) for share in np.linspace(0, 1, 25)])
    steps = -np.diff(shades[:, 0])

    assert (steps > 0).all()
    assert steps.max() / steps.min() < (1.25 if eye == "normal" else 1.6)
    if eye == "normal":
        coloured = shades[np.hypot(shades[:, 1], shades[:, 2]) > 5]
        hues = np.degrees(np.arctan2(coloured[:, 2], coloured[:, 1])) % 360
        assert hues.max() - hues.min() < 8
