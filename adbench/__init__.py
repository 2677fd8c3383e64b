"""adbench: every practical way to differentiate a Python function, measured on the same mathematics.

Importing this package imports no tool and does nothing else.
"""

__version__ = "0.1.0"
