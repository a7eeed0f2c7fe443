"""Small disks of their own for parts that keep data: a file system in memory that can be full."""

import os
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

ROOM_KB = 4_000_000  # far more than a run needs; memory is taken only for what is written


@cache
def can_mount() -> bool:
    """Whether this user may mount a file system here."""
    if os.geteuid() != 0:
        return False
    with tempfile.TemporaryDirectory(prefix="reentry-disk-") as name, Disk(Path(name)) as disk:
        return disk.mounted


class Disk:
    """A file system at a folder."""

    def __init__(self, folder: Path) -> None:
        """Nothing is mounted yet."""
        self.folder, self.mounted = folder, False

    def fill(self) -> None:
        """From now on nothing more can be written: it is as large as what it holds."""
        held = os.statvfs(self.folder)
        used_kb = (held.f_blocks - held.f_bfree) * held.f_frsize // 1024
        self._mount(f"remount,size={used_kb + 4}k")

    def empty(self) -> None:
        """There is room again."""
        self._mount(f"remount,size={ROOM_KB}k")

    def _mount(self, options: str) -> None:
        command = ["mount", "-t", "tmpfs", "-o", options, "reentry-chaos", str(self.folder)]
        self.mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0 or self.mounted

    def __enter__(self) -> Self:
        """Mount it, where that is possible."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._mount(f"size={ROOM_KB}k,mode=0755")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.mounted:
            subprocess.run(["umount", "--lazy", str(self.folder)], check=False)
