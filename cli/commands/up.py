"""`handover up`, `down`, `status`: Kafka, workers and a sink on this machine, in the background."""

import json
import logging
import os
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.output import CHECK_FAILED, fail, json_line, say, warn
from cli.runtime import read_settings
from cli.settings import PREFIX, Settings

log = logging.getLogger(__name__)
UP_SECONDS = 120
FAILING_RESTARTS, FAILING_SECONDS = 3, 600.0  # so many restarts of one process within so long: it does not stay alive
DOWN_SECONDS = 60

Json = Annotated[bool, typer.Option("--json", help="One JSON object.")]


def up(
    workers: Annotated[int, typer.Option(min=1, max=16, help="How many stream workers.")] = 2,
    foreground: Annotated[bool, typer.Option(help="Stay here; Ctrl-C stops all.")] = False,
) -> None:
    """Start Kafka (unless REENTRY_BROKERS names one), workers and a sink; return when they are ready."""
    settings = read_settings()
    if foreground:
        _run(settings, workers)
    else:
        _detach(settings, workers)


def down() -> None:
    """Stop what `handover up` or `handover demo` started here, and wait for its end. Nothing to stop is no error."""
    from cli.stack.local import is_held

    stopped = 0
    for folder in _list_folders(read_settings()):
        if not is_held(folder):
            continue
        state = _read_state(folder)
        if state is None:
            fail(f"the stack in {folder} is still starting", "try again in a moment", CHECK_FAILED)
        os.kill(state["pid"], signal.SIGTERM)
        if not _wait_for(partial(_is_free, folder), DOWN_SECONDS):
            os.kill(state["pid"], signal.SIGKILL)  # its children are told by the kernel
        say(f"Stopped: {state['what']} in {folder}.")
        stopped += 1
    if not stopped:
        say("Nothing runs here.")


def status(as_json: Json = False) -> None:
    """Say what runs here and up to when alerts are processed. Exit 1 when nothing runs, a part is dead or fails again and
    again, or alerts are not processed up to now.
    """
    from cli.stack.local import is_held

    states = [
        state
        for folder in _list_folders(read_settings())
        if is_held(folder) and (state := _read_state(folder)) is not None
    ]
    for state in states:
        _look_at(state)
        if as_json:
            json_line({name: value for name, value in state.items() if name != "env"})
        else:
            _show(state)
    if not states and not as_json:
        say("Nothing runs here: handover up, or handover demo.")
    if not states or not all(_is_well(state) for state in states):
        raise typer.Exit(CHECK_FAILED)


def _look_at(state: dict[str, Any]) -> None:
    """Add to a state what is true now: which processes live, which fail again and again, how far alerts are processed."""
    from cli.stack.children import alive
    from cli.stack.data_time import read
    from schemas.instants import show

    since = time.time() - FAILING_SECONDS
    for process in state["processes"]:
        process["alive"] = alive(process["pid"])
        restarts = [at for at in process.get("restarted_at", ()) if at > since]
        process["failing"] = len(restarts) >= FAILING_RESTARTS
    found = read(Settings(**{name.removeprefix(PREFIX).lower(): value for name, value in state["env"].items()}))
    until = found.processed_until
    state["data_time"] = {"processed_until": show(until) if until is not None else None, "is_late": found.is_late}


def _is_well(state: dict[str, Any]) -> bool:
    good = all(process["alive"] and not process["failing"] for process in state["processes"])
    return good and not state["data_time"]["is_late"]


def _run(settings: Settings, workers: int) -> None:
    from cli.connection import mask_database_url
    from cli.logs import start_logs
    from cli.stack.children import Unstartable
    from cli.stack.local import local_settings, run_stack

    start_logs(local_settings(settings, settings.data_dir), silent=("kafka",))
    port = None if "brokers" in settings.model_fields_set else int(settings.brokers.rpartition(":")[2])
    try:
        with run_stack(settings, settings.data_dir, log.info, port=port) as stack:
            for number in range(1, workers + 1):
                stack.start_worker(number)
            stack.start_sink()
            stack.wait_ready()
            stack.record("up")
            log.info("Ready: %d workers, a sink on %s.", workers, mask_database_url(stack.settings))
            while True:
                if stack.report_deaths():
                    stack.record("up")  # started again: other ids
                time.sleep(1)
    except KeyboardInterrupt:
        log.info("Stopped.")
    except Unstartable as error:
        warn(str(error))
        raise typer.Exit(CHECK_FAILED) from None


def _detach(settings: Settings, workers: int) -> None:
    """Start ourselves in the background and wait until that says it is ready."""
    from cli.stack.children import Unstartable, last_lines, spawn
    from cli.stack.local import is_held
    from cli.stack.processes import handover

    folder = settings.data_dir
    if is_held(folder):
        fail(f"a stack already runs in {folder}", "handover status, handover down", CHECK_FAILED)
    log = folder / "logs" / "up.log"
    try:
        child = spawn(handover("up", "--foreground", "--workers", str(workers)), log, detach=True)
    except Unstartable as error:
        warn(str(error))
        raise typer.Exit(CHECK_FAILED) from None
    if not _wait_for(
        lambda: child.poll() is not None or (_read_state(folder) or {}).get("pid") == child.pid, UP_SECONDS
    ):
        child.terminate()
    state = _read_state(folder)
    if child.poll() is not None or state is None:
        warn(last_lines(log, 1))
        fail("the stack did not start", f"see {log}", CHECK_FAILED)
    _show(state)


def _show(state: dict[str, Any]) -> None:
    say(f"{state['what']}: Kafka at {state['brokers']}, read model {state['database']}")
    for process in state["processes"]:
        life = "runs" if process.get("alive", True) else "IS DEAD"
        if process.get("failing"):
            life = f"FAILS AGAIN AND AGAIN ({len(process['restarted_at'])} restarts)"
        say(f"  {process['name']:<10} {life}, process {process['pid']}, log {process['log']}")
    if told := state.get("data_time"):
        until = told["processed_until"] or "no instant yet"
        say(f"  alerts are processed up to {until}{': TOO LONG AGO' if told['is_late'] else ''}")


def _list_folders(settings: Settings) -> tuple[Path, ...]:
    """Where `up` and `demo` keep their state."""
    return settings.data_dir, settings.data_dir / "demo"


def _read_state(folder: Path) -> dict[str, Any] | None:
    from cli.stack.local import STATE

    try:
        return dict(json.loads((folder / STATE).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def _wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def _is_free(folder: Path) -> bool:
    from cli.stack.local import is_held

    return not is_held(folder)
