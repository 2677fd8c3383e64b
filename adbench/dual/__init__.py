"""Dual numbers of our own: forward-mode differentiation for Python, NumPy and Numba code.

Knows nothing of adbench and could leave home: ``rules`` is the one table of derivatives, ``scalar``
and ``array`` are its readers for Python numbers and NumPy arrays, ``numba`` (imported only on
request) makes Numba compile an unmodified function for dual numbers.
"""
