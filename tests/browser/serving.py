"""Consoles that listen on a port of loopback: one in this process for what is read, one as the process it is for the whole way."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from cli.stack.ports import free_ports, is_open
from console.app import create_app
from console.web.config import ConsoleConfig
from tests.conditions import until
from tests.integration.pipeline import Pipeline


@contextmanager
def served(config: ConsoleConfig) -> Iterator[tuple[str, FastAPI]]:
    """Its address, and the application behind it."""
    app = create_app(config)
    port = free_ports(1)[0]
    server = uvicorn.Server(
        uvicorn.Config(app, port=port, log_level="error", access_log=False, timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run, name="console")
    thread.start()
    try:
        until(lambda: server.started or not thread.is_alive(), 30)
        assert thread.is_alive(), "the console did not start"
        yield f"http://127.0.0.1:{port}", app
    finally:
        server.should_exit = True
        thread.join(30)


def console_of(running: Pipeline) -> tuple[str, subprocess.Popen[bytes]]:
    """Start the console of a pipeline, with the users of the demo: its address and its process."""
    port = free_ports(1)[0]
    process = running.start("console", "--demo", REENTRY_WEB_PORT=str(port))
    until(lambda: is_open(port), 90)
    return f"http://127.0.0.1:{port}", process


def beside(running: Pipeline) -> str:
    """Start the sink, the worker and the console of a pipeline on SQLite; the console's address."""
    running.start("sink")
    running.start("worker")
    until((running.folder / "handover.sqlite").exists, 90)
    return console_of(running)[0]
