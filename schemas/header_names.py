"""Header names that are not UTF-8: brokers take them from any C program, and no client reads a record that has one."""

from collections.abc import Callable

Varint = Callable[[bytearray, int], tuple[int, int]]  # the number that begins at a place, and the place after it

_BEFORE_KEY = 4  # numbers of a record before its key: length, attributes, time and offset since the batch's first


def spell_names(buffer: bytearray, at: int, varint: Varint) -> None:
    """Write the header names of the record (format 2) that begins at `at` in ASCII, "?" for every other byte; lengths stay."""
    for _ in range(_BEFORE_KEY):
        _, at = varint(buffer, at)
    for _ in ("key", "value"):
        size, at = varint(buffer, at)
        at += max(0, size)
    count, at = varint(buffer, at)
    for _ in range(count):
        size, at = varint(buffer, at)
        name = bytes(buffer[at : at + size])
        buffer[at : at + size] = name.decode("ascii", "replace").encode("ascii", "replace")
        at += size
        size, at = varint(buffer, at)
        at += max(0, size)
