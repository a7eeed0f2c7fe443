"""Child processes live and die together, and what died is said."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cli.stack.children import alive, spawn, stop
from cli.stack.local import hold_folder, is_held
from cli.stack.processes import RESTARTS, Processes
from tests.conditions import until

SLEEP = (sys.executable, "-c", "import time; print('awake', flush=True); time.sleep(300)")
FAIL = (sys.executable, "-c", "raise SystemExit('no luck')")
DEAF = (
    sys.executable,
    "-c",
    "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(300)",
)


def test_leaving_the_block_ends_all(tmp_path: Path) -> None:
    with Processes(tmp_path) as processes:
        pids = [processes.start(name, SLEEP).process.pid for name in ("a", "b")]
        assert all(map(alive, pids))
    assert not any(map(alive, pids))


def test_one_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "deaf.log"
    process = spawn(DEAF, log)
    until(lambda: "deaf" in log.read_text())
    assert stop(process, seconds=0.2) == -signal.SIGKILL


def test_a_dead_process_is_told_of_and_started_again(tmp_path: Path) -> None:
    with Processes(tmp_path) as processes:
        child = processes.start("worker", SLEEP)
        first = child.process.pid
        child.process.kill()
        child.process.wait()
        (line,) = processes.restart_dead()
        assert line.startswith("worker ended (signal 9), started again")
        assert child.process.pid != first
        assert list(processes.restart_dead()) == []


def test_one_that_keeps_dying_is_given_up(tmp_path: Path) -> None:
    lines: list[str] = []
    with Processes(tmp_path) as processes:
        child = processes.start("worker", FAIL)
        while not child.given_up:
            child.process.wait()
            lines += processes.restart_dead()
        assert list(processes.restart_dead()) == []
    assert len(lines) == RESTARTS + 1
    assert "is left so" in lines[-1]
    assert lines[-1].endswith("no luck")


PARENT = """
import sys, time
from pathlib import Path
from cli.stack.processes import Processes
with Processes(Path(sys.argv[1])) as processes:
    print(processes.start("child", (sys.executable, "-c", "import time; time.sleep(300)")).process.pid, flush=True)
    time.sleep(300)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")
def test_children_do_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert alive(child)
        parent.kill()
    until(lambda: not alive(child))


def test_a_folder_holds_one_stack(tmp_path: Path) -> None:
    assert not is_held(tmp_path)
    with hold_folder(tmp_path):
        assert is_held(tmp_path)
    assert not is_held(tmp_path)
