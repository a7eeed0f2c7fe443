"""Text files as people save them: UTF-8, perhaps with the byte order mark that some editors put in front."""

from pathlib import Path

_MARK = b"\xef\xbb\xbf"


def skip_mark(beginning: bytes) -> bytes:
    """The first bytes of a file without a byte order mark."""
    return beginning.removeprefix(_MARK)


def read_text(path: Path) -> str:
    """The text of a whole file. Raise OSError, UnicodeDecodeError."""
    return skip_mark(path.read_bytes()).decode()
