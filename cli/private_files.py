"""What only the user who runs us may read: files with passwords, secrets and rows, and the folder they lie in."""

import os
import stat
from pathlib import Path

FILE, FOLDER = 0o600, 0o700
_OTHERS = 0o077


def keep_private() -> None:
    """From now on every file that this process and its children make is for its user alone."""
    os.umask(_OTHERS)


def make_folder(path: Path) -> None:
    """A folder for its user alone; one that is there already is closed to others."""
    path.mkdir(parents=True, exist_ok=True, mode=FOLDER)
    found = path.stat()
    if found.st_uid == os.getuid() and not found.st_mode & stat.S_ISVTX:  # a folder like /tmp is everybody's
        path.chmod(FOLDER)


def write_private(path: Path, text: str) -> None:
    """Write a new file for its user alone; never, not even for a moment, for others."""
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
