"""The log of a process: one line a record in JSON, libraries alike, and nobody's number in it."""

import json
import logging
import subprocess
import sys
from datetime import datetime

import pytest

from cli.logs import Format, make_formatter
from tests.schemas.test_pii import CITIZEN, MOBILE


def line(form: Format, message: str, *values: object, error: Exception | None = None, **extra: object) -> str:
    told = None
    if error is not None:
        try:
            raise error
        except type(error):
            told = sys.exc_info()
    record = logging.getLogger("aiokafka.x").makeRecord(
        "aiokafka.x", logging.WARNING, "f", 1, message, values, told, extra=extra
    )
    return make_formatter(form).format(record)


def test_a_record_is_one_line_of_json_with_its_trace_in_one_key() -> None:
    text = line("json", "sink waits for %s", "postgres", error=ValueError("two\nlines"), sink="alerts", rows=3)
    assert "\n" not in text
    told = json.loads(text)
    assert (told["event"], told["level"], told["logger"]) == ("sink waits for postgres", "warning", "aiokafka.x")
    assert (told["sink"], told["rows"]) == ("alerts", 3)
    assert "ValueError: two" in told["exception"]
    assert told["timestamp"].endswith("Z")


def test_a_line_for_people_ends_with_keys_and_values() -> None:
    text = line("text", "sink waits", sink="alerts")
    assert text.partition(" ")[2] == "WARNING aiokafka.x sink waits sink=alerts"


@pytest.mark.parametrize("form", ["json", "text"])
def test_personal_numbers_are_starred_in_message_keys_and_trace(form: Format) -> None:
    text = line(form, "of %s", CITIZEN, error=ValueError(f"bad value {MOBILE}"), number=int(MOBILE), other=MOBILE)
    assert (MOBILE in text, CITIZEN in text, "ValueError" in text) == (False, False, True)
    if form == "json":
        json.loads(text)


def test_no_text_of_anybody_begins_a_line_for_people() -> None:
    forged = "2026-03-01T08:00:00Z ERROR sinks.runner all is lost"
    text = line("text", f"said\n{forged}", error=ValueError(f"two\n{forged}"), key=f"x\n{forged} y=2\u2028{forged}")
    assert forged in text
    first, *trace = text.splitlines()
    assert first.partition(" ")[2].startswith("WARNING aiokafka.x said\\n2026")
    assert trace
    assert all(one.startswith("    ") for one in trace)


@pytest.mark.parametrize(
    ("value", "shown"),
    [("plain", "plain"), ("two words", '"two words"'), ('a="b"', '"a=\\"b\\""'), ("", '""'), (3, "3"), (None, "None")],
)
def test_a_value_for_people_can_be_told_from_the_next_key(value: object, shown: str) -> None:
    assert line("text", "said", key=value).endswith(f" said key={shown}")


SAYS = """
import logging, threading, warnings
from cli.logs import start_logs
from cli.settings import Settings
start_logs(Settings(log_format="{form}"), quiet=("kafka",), silent=("loud",))
logging.getLogger("sinks.runner").warning("cannot be read", extra={{"place": "topic[3]@4", "sink": "alerts"}})
for _ in range(50):
    logging.getLogger("kafka.client").warning("connection to %s failed", "b1")
logging.getLogger("kafka.client").info("hidden")
logging.getLogger("loud").error("hidden")
warnings.warn("old\\nway", DeprecationWarning, stacklevel=1)
def fail(): raise ValueError("of {citizen}\\nand more")
thread = threading.Thread(target=fail, name="part"); thread.start(); thread.join()
fail()
"""


def written(form: str) -> list[str]:
    """What a process writes that says some lines, is warned, and ends by a bug in a thread and in its own."""
    code = SAYS.format(form=form, citizen=CITIZEN)
    command = [sys.executable, "-W", "default", "-c", code]
    found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (found.returncode, found.stdout) == (1, "")
    assert CITIZEN not in found.stderr
    return found.stderr.splitlines()


def test_a_process_writes_json_and_nothing_else_to_its_end() -> None:
    records = [json.loads(text) for text in written("json")]
    events = [(one["logger"], one["level"], one["event"].partition("\n")[0]) for one in records]
    assert events[:2] == [
        ("sinks.runner", "warning", "cannot be read"),
        ("kafka.client", "warning", "connection to b1 failed"),
    ]
    assert (records[0]["place"], records[0]["sink"]) == ("topic[3]@4", "alerts")
    assert events[2][:2] == ("py.warnings", "warning")
    assert events[3:] == [
        ("cli.logs", "critical", "a thread ends by a bug"),
        ("cli.logs", "critical", "the process ends by a bug"),
    ]
    assert records[3]["part"] == "part"
    for one in records:
        assert datetime.fromisoformat(one["timestamp"]).tzinfo is not None
    for one in records[3:]:
        assert "ValueError: of" in one["exception"]
        assert "and more" in one["exception"]


def test_a_process_writes_lines_for_people_with_traces_below_them() -> None:
    lines = [one for one in written("text") if not one.startswith("    ")]
    assert [one.split()[2] for one in lines] == ["sinks.runner", "kafka.client", "py.warnings", "cli.logs", "cli.logs"]
    assert lines[0].endswith(" WARNING sinks.runner cannot be read place=topic[3]@4 sink=alerts")
