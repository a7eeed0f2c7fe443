"""Kafka's own Java programs, as another publisher than the Python clients."""

import os
import subprocess
from collections.abc import Sequence

from cli.stack.children import Unstartable
from cli.stack.kafka import REPOSITORY, java

TOOLS = REPOSITORY / "var" / "kafka" / "tools"
CONSOLE_PRODUCER = "org.apache.kafka.tools.ConsoleProducer"


def console_producer(bootstrap: str, topic: str, lines: Sequence[str], *, options: Sequence[str] = ()) -> None:
    """Publish with the Java client, one record a line: `name:value,name:value<TAB>key<TAB>value` (headers, key, value).

    `options` are the program's own, say `--compression-codec zstd`. Raise Unstartable where the jars are not here.
    """
    jars = sorted(TOOLS.glob("*.jar"))
    if not jars:
        raise Unstartable("Kafka's tools are not here: run `make setup`.")
    command = [java(), "-XX:TieredStopAtLevel=1", "-cp", os.pathsep.join(map(str, jars)), CONSOLE_PRODUCER]
    command += ["--bootstrap-server", bootstrap, "--topic", topic]
    command += ["--reader-property", "parse.key=true", "--reader-property", "parse.headers=true", *options]
    text = "".join(f"{line}\n" for line in lines)
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise Unstartable(f"The console producer failed: {done.stderr.strip()[-300:]}")
