"""Types of numpy arrays, by what they hold. Where one is a column, it has an entry for each row."""

from typing import Any

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]
"""NaN where there is no number."""
Integers = np.ndarray[Any, np.dtype[np.int64]]
Mask = np.ndarray[Any, np.dtype[np.bool_]]
Days = np.ndarray[Any, np.dtype[np.datetime64]]
