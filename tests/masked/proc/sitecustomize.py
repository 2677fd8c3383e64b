"""No file below /proc can be read or listed, as in a hardened container; psutil fails with it."""

import builtins
import io
import os


def _hidden(path):
    try:
        text = os.fsdecode(path)
    except TypeError:  # a file descriptor
        return False
    return text == "/proc" or text.startswith("/proc/")


def _masked(function):
    def masked(path, *args, **kwargs):
        if _hidden(path):
            raise PermissionError(13, "hidden by a test", os.fsdecode(path))
        return function(path, *args, **kwargs)

    return masked


builtins.open = io.open = _masked(io.open)
for _name in ("open", "listdir", "stat", "lstat", "readlink", "access"):
    setattr(os, _name, _masked(getattr(os, _name)))
_scandir = os.scandir
os.scandir = lambda path=".": _masked(_scandir)(path)
