"""How many bytes of machine code Numba made of a function.

Numba does not say: only a function cached on disk keeps its object file. LLVM is therefore asked for
that file once more, from the optimised module that Numba compiled, by Numba's own target machine; the
sections of code come out of the same size, byte for byte the same where it was compared. Two private
attributes of Numba are read for it (0.68); without them the size is not known.
"""

from __future__ import annotations

from typing import Any

from llvmlite import binding


def code_bytes(driver: Any) -> int | None:
    """Bytes of machine code of all that a dispatcher has compiled; None when it cannot be known.

    Parameters
    ----------
    driver : numba dispatcher
        What ``numba.njit`` returns. Counted is its own library: the function, its wrapper for calls
        from Python, and the functions it calls, as far as they were not inlined; and what it calls by
        address (``driver.kernels()``). LLVM needs some tens of milliseconds to write them out again.
    """
    try:
        parts = [driver, *getattr(driver, "kernels", list)()]
        files = [_object_file(c.library) for part in parts for c in part.overloads.values()]
        total = sum(
            section.size()
            for file in files
            for section in binding.ObjectFileRef.from_data(file).sections()
            if section.is_text()
        )
    except (AttributeError, RuntimeError):
        return None
    return total or None


def _object_file(library: Any) -> bytes:
    # A clone: writing machine code changes the module it is written from.
    module = library._final_module.clone()
    file: bytes = library.codegen._tm.emit_object(module)
    return file
