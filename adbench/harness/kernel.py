"""The frozen reference kernel: fixed work, measured beside every row, that times over years compare by.

It knows no clock. Half of it is plain Python and half NumPy on small arrays, like the methods that are
measured; it starts no thread, calls no linear algebra and fits into the first-level cache. Its time
tells how fast the machine was at that moment (frequency, a busy neighbour), and dividing by it makes
times of different days and machines comparable, as far as Python and NumPy stayed the same.

`call` must never change: `KERNEL_HASH` stands in every result file, and a test holds the text to it. A
better kernel is a new function with a new hash, and times are not compared across the two.
"""

from __future__ import annotations

import numpy as np

__all__ = ["KERNEL_HASH", "call"]

# The first 16 hexadecimal digits of SHA-256 of the text of `call`.
KERNEL_HASH = "d09709a1cb4e13f0"


def call() -> float:
    """Do the fixed work once, about 50 to 100 us; the number it gives is the same on every machine.

    Returns
    -------
    float
        A sum of ordinary size; equal to 1e-12 wherever exponential and logarithm are good to an ulp.
    """
    total = 0.0
    term = 1.0
    for i in range(1, 501):
        term = 1.0 / (i + term)
        if i % 3:
            total += term * i
        else:
            total -= term
    values = np.arange(1.0, 1025.0) / 1024.0
    for _ in range(3):
        shifted = values * values - 0.5 * values + 0.25
        values = np.log(1.0 + np.exp(-shifted))
        total += float(np.add.reduce(values * shifted))
    return total
