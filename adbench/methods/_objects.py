"""How much machine code lies in the object files that a compiler left in a blob; knows no tool.

Only 64-bit little-endian ELF is read (Linux on x86-64, Arm and RISC-V; NVIDIA's cubins): section
header tables as in the System V ABI, gABI 4.1, chapters "ELF Header" and "Sections".
"""

from __future__ import annotations

import struct

_MAGIC = b"\x7fELF\x02\x01"  # 64 bits, little-endian
_EXECUTABLE = 0x4  # SHF_EXECINSTR
_HEADER_BYTES, _SECTION_BYTES = 64, 64


def code_bytes(blob: bytes) -> int | None:
    """Bytes of executable sections in all ELF files that lie somewhere in a blob; None without any.

    Parameters
    ----------
    blob : bytes
        For example an executable as its compiler serialises it.
    """
    total = 0
    at = blob.find(_MAGIC)
    while at >= 0:
        total += _executable(blob, at)
        at = blob.find(_MAGIC, at + 1)
    return total or None


def _executable(blob: bytes, at: int) -> int:
    """Bytes of executable sections of the ELF file that begins at an offset; 0 if it is cut off."""
    if len(blob) < at + _HEADER_BYTES:
        return 0
    (table,) = struct.unpack_from("<Q", blob, at + 0x28)
    entry, count = struct.unpack_from("<HH", blob, at + 0x3A)
    if entry != _SECTION_BYTES or len(blob) < at + table + entry * count:
        return 0
    total = 0
    for start in range(at + table, at + table + entry * count, entry):
        (flags,) = struct.unpack_from("<Q", blob, start + 0x08)
        (size,) = struct.unpack_from("<Q", blob, start + 0x20)
        total += size if flags & _EXECUTABLE else 0
    return total
