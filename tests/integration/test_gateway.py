"""The gateway as a process on a real broker, asked with curl: every 202 is in the log, and nothing else is promised."""

import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from cli.stack.kafka import Broker
from cli.stack.ports import free_ports
from gateway import receipts
from gateway.signing import read_public
from schemas.topics import INTAKE, RECEIPT
from tests.conditions import until
from tests.gateway.fixtures import COUNTY, citizen_number, event
from tests.integration.pipeline import Pipeline, pipeline

pytestmark = [pytest.mark.servers, pytest.mark.slow, pytest.mark.timeout(300)]
STRUCTURED = "application/cloudevents+json"


class Served:
    """A gateway process and the key of the county."""

    def __init__(self, own: Pipeline) -> None:
        self.pipeline, self.port = own, free_ports(1)[0]
        made = subprocess.run(
            [*_handover(), "gateway", "--add-key", COUNTY, "--person-refs"],
            env=own.env, capture_output=True, text=True, check=True,
        )  # fmt: skip
        self.token = made.stdout.splitlines()[-1]
        keys = own.folder / "person-keys.toml"
        self.env = {"REENTRY_WEB_PORT": str(self.port), "REENTRY_GATEWAY_PERSON_KEYS": str(keys)}
        subprocess.run(
            [*_handover(), "gateway", "--rotate-person-key"],
            env={**own.env, **self.env},
            check=True,
            capture_output=True,
        )

    def start(self) -> None:
        self.process = self.pipeline.start("gateway", **self.env)
        until(lambda: self.curl("GET", "/live")[0] == 204)

    def curl(self, method: str, path: str, body: bytes = b"", *headers: str) -> tuple[int, Any, dict[str, str]]:
        """Status, JSON and headers of an answer; status 0 where nobody answers."""
        command = ["curl", "-sS", "-i", "-X", method, f"http://127.0.0.1:{self.port}{path}", "--max-time", "20"]
        command += [part for one in (f"authorization: Bearer {self.token}", *headers) for part in ("-H", one)]
        command += ["--data-binary", "@-"] if body else []
        done = subprocess.run(command, input=body, capture_output=True, check=False)
        head, _, text = done.stdout.partition(b"\r\n\r\n")
        if not head:
            return 0, None, {}
        first, *rest = head.decode().split("\r\n")
        told = {name.lower(): value for name, _, value in (one.partition(": ") for one in rest)}
        return int(first.split()[1]), orjson.loads(text) if text.startswith((b"{", b"[")) else text, told

    def post(self, body: dict[str, Any]) -> tuple[int, Any, dict[str, str]]:
        return self.curl("POST", "/events", orjson.dumps(body), f"content-type: {STRUCTURED}")


def _handover() -> list[str]:
    import sys

    return [sys.executable, "-m", "cli"]


@pytest.fixture
def served(kafka: str, topic_prefix: str, tmp_path: Path) -> Iterator[Served]:
    with pipeline(kafka, topic_prefix, tmp_path) as own:
        found = Served(own)
        found.start()
        until(lambda: found.curl("GET", "/ready")[0] == 204)
        yield found


def test_an_event_is_in_the_log_as_it_was_sent_and_its_receipt_says_where(served: Served, tmp_path: Path) -> None:
    sent = orjson.dumps(event(), option=orjson.OPT_INDENT_2)
    status, told, headers = served.curl("POST", "/events", sent, f"content-type: {STRUCTURED}")
    assert status == 202, told
    [record] = served.pipeline.records(INTAKE)
    assert record.value == sent
    receipt = told["receipt"]
    assert (receipt["partition"], receipt["offset"], receipt["state"]) == (record.partition, record.offset, "in_log")
    assert headers["location"] == f"/receipts/{receipt['id']}"
    public = served.curl("GET", "/receipt-key")[1]
    files = {"receipt.json": orjson.dumps(told), "key.pub": public, "event.json": sent}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    check = [*_handover(), "receipt", "verify", "receipt.json", "--key", "key.pub", "--event"]
    assert subprocess.run([*check, "event.json"], cwd=tmp_path, env=_at_root(), check=False).returncode == 0
    (tmp_path / "event.json").write_bytes(sent + b" ")
    assert subprocess.run([*check, "event.json"], cwd=tmp_path, env=_at_root(), check=False).returncode == 1
    (tmp_path / "receipt.json").write_bytes(orjson.dumps(told).replace(b'"in_log"', b'"applied"'))
    assert subprocess.run([*check[:-1]], cwd=tmp_path, env=_at_root(), check=False).returncode == 1


def _at_root() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


def test_binary_and_batch_events_are_read_by_a_worker_and_every_sender_learns_what_became_of_them(
    served: Served,
) -> None:
    served.pipeline.start("worker")
    one, *others = event(), event(), event()
    attributes = [f"ce-{name}: {value}" for name, value in one.items() if name not in ("data", "datacontenttype")]
    data = orjson.dumps(one["data"])
    status, binary, _ = served.curl("POST", "/events", data, "content-type: application/json", *attributes)
    assert status == 202, binary
    status, batch, _ = served.curl(
        "POST", "/events", orjson.dumps(others), "content-type: application/cloudevents-batch+json"
    )
    assert status == 202, batch
    assert [one["receipt"]["event_id"] for one in batch] == [one["id"] for one in others]
    # A publisher who speaks Kafka, and is wrong: nobody answered it, the topic does.
    from kafka import KafkaProducer

    wrong = event(data={"officer_ref": "O-1"})
    producer = KafkaProducer(bootstrap_servers=served.pipeline.brokers, acks="all")
    producer.send(f"{served.pipeline.prefix}{INTAKE}", orjson.dumps(wrong), wrong["subject"].encode()).get(timeout=30)
    producer.close()

    def outcomes() -> dict[str, Any]:
        found = [receipts.read_signed(record.value).receipt for record in served.pipeline.records(RECEIPT)]
        return {receipt.event_id: receipt for receipt in found}

    until(lambda: len(outcomes()) == 4, seconds=60)
    states = {id_: receipt.state for id_, receipt in outcomes().items()}
    assert states == {one["id"]: "applied", **{other["id"]: "applied" for other in others}, wrong["id"]: "refused"}
    refusal = outcomes()[wrong["id"]]
    assert (refusal.reason, refusal.errors) == ("SCHEMA", ("data.accepted: Field required",))
    assert {record.key for record in served.pipeline.records(RECEIPT)} == {COUNTY.encode()}
    status, looked, _ = served.curl("GET", f"/receipts/{binary['receipt']['id']}")
    assert (status, [part["receipt"]["state"] for part in looked]) == (200, ["in_log", "applied"])
    assert served.curl("GET", f"/receipts/{refusal.id}")[1][1]["receipt"]["state"] == "refused"
    public = served.pipeline.folder / "gateway-signing.pub"
    assert receipts.verify(orjson.dumps(looked), read_public(public))[1].state == "applied"


def test_receipts_after_a_kill_of_the_gateway_miss_no_record(served: Served) -> None:
    served.pipeline.start("worker")
    first = [event() for _ in range(50)]
    assert all(served.post(one)[0] == 202 for one in first[:25])
    served.process.kill()
    served.process.wait()
    from kafka import KafkaProducer

    producer = KafkaProducer(bootstrap_servers=served.pipeline.brokers, acks="all")
    for one in first[25:]:
        producer.send(f"{served.pipeline.prefix}{INTAKE}", orjson.dumps(one), one["subject"].encode())
    producer.flush()
    producer.close()
    served.start()
    wanted = {one["id"] for one in first}
    until(
        lambda: (
            {receipts.read_signed(one.value).receipt.event_id for one in served.pipeline.records(RECEIPT)} == wanted
        ),
        seconds=60,
    )


def test_the_number_of_a_person_stands_nowhere(served: Served) -> None:
    number = citizen_number()
    status, told, _ = served.curl("POST", "/person-refs", orjson.dumps({"id_number": number}))
    assert (status, told["key_version"], told["person_ref"][:3]) == (200, 1, "p1_")
    served.curl("POST", "/person-refs", orjson.dumps({"id_number": number[:-1] + "?"}))
    served.curl("GET", f"/receipts/{number}")
    served.process.send_signal(signal.SIGTERM)
    served.process.wait(20)
    files = [path for path in served.pipeline.folder.rglob("*") if path.is_file()]
    assert any(path.name == "gateway-audit.jsonl" and told["person_ref"] in path.read_text() for path in files)
    assert not [path for path in files if number[:-1].encode() in path.read_bytes()]
    checked = subprocess.run(
        [*_handover(), "gateway", "--check-audit"], env={**served.pipeline.env, **served.env}, check=False
    )
    assert checked.returncode == 0


def test_every_202_is_in_the_log_though_the_broker_is_killed_in_between(tmp_path: Path, topic_prefix: str) -> None:
    folder = tmp_path / "gateway"
    folder.mkdir()
    broker = Broker(tmp_path / "kafka").start()
    answers: list[tuple[int, str, dict[str, str]]] = []
    over = threading.Event()
    try:
        with pipeline(broker.bootstrap, topic_prefix, folder) as own:
            served = Served(own)
            served.start()
            until(lambda: served.curl("GET", "/ready")[0] == 204)

            def publish() -> None:
                while not over.is_set():
                    one = event()
                    status, _, headers = served.post(one)
                    answers.append((status, one["id"], headers))

            threads = [threading.Thread(target=publish) for _ in range(3)]
            for thread in threads:
                thread.start()
            until(lambda: len(_accepted(answers)) > 20, seconds=60)
            broker.kill()
            until(lambda: any(status == 503 for status, _, _ in answers), seconds=60)
            time.sleep(1)
            broker.start()
            before = len(_accepted(answers))
            until(lambda: len(_accepted(answers)) > before + 20, seconds=90)
            over.set()
            for thread in threads:
                thread.join()
            written = [orjson.loads(record.value)["id"] for record in own.records(INTAKE)]
    finally:
        over.set()
        broker.stop()
        shutil.rmtree(tmp_path / "kafka", ignore_errors=True)
    assert {status for status, _, _ in answers} == {202, 503}
    assert all("retry-after" in headers for status, _, headers in answers if status == 503)
    assert _accepted(answers) <= set(written)


def _accepted(answers: list[tuple[int, str, dict[str, str]]]) -> set[str]:
    return {id_ for status, id_, _ in answers if status == 202}
