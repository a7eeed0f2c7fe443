"""Child processes that do not outlive us: started in their own session, their output in a file, stopped politely."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class Unstartable(RuntimeError):
    """A part of the local stack cannot run here. The text says in one line what is missing or where its log is."""


def spawn(
    command: Sequence[str | Path],
    log: Path,
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    user: str | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
    detach: bool = False,
) -> subprocess.Popen[bytes]:
    """Start a process whose output is appended to `log`.

    It gets no Ctrl-C of our terminal: whoever started it stops it, in order. Where the kernel can (Linux), it is sent
    `death_signal` when we die without stopping it, unless it is to be left running (`detach`).
    """
    log.parent.mkdir(parents=True, exist_ok=True)

    def follow_parent() -> None:
        if _libc is not None and not detach:
            _libc.prctl(PR_SET_PDEATHSIG, int(death_signal))

    with log.open("ab") as out:
        return subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=None if env is None else dict(env),
            cwd=cwd,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
            start_new_session=True,
            preexec_fn=follow_parent,  # noqa: PLW1509  no thread of ours holds a lock that the child needs
        )


def stop(process: subprocess.Popen[bytes], *, by: signal.Signals = signal.SIGTERM, seconds: float = 10) -> int:
    """Ask the process to end, wait, then kill it. Return its exit code."""
    if process.poll() is None:
        process.send_signal(by)
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()


def alive(pid: int) -> bool:
    """Whether a process with this id runs (one that ended and was not collected counts as gone)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    with contextlib.suppress(OSError):
        return b") Z " not in Path(f"/proc/{pid}/stat").read_bytes()
    return True


def last_lines(log: Path, count: int = 5) -> str:
    """The end of a log, for a message about a process that died."""
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-count:])
    except FileNotFoundError:
        return "(no log)"
