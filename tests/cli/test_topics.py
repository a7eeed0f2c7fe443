"""`handover topics` against a real broker."""

import json

import pytest
from typer.testing import CliRunner, Result

from brokers.connection import KafkaConnection
from cli.commands.topics import app
from cli.stack.provision import connect
from schemas.topics import ALERT, RELEASE, TOPICS
from tests.conditions import until


@pytest.fixture
def environment(kafka: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Settings for this test's own topics; returns their prefix."""
    monkeypatch.setenv("REENTRY_BROKERS", kafka)
    monkeypatch.setenv("REENTRY_TOPIC_PREFIX", topic_prefix)
    monkeypatch.setenv("REENTRY_PARTITIONS", "3")
    monkeypatch.setenv("REENTRY_REPLICATION", "1")
    return topic_prefix


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_plan_changes_nothing(environment: str, kafka: str) -> None:
    planned = run("plan")
    assert planned.exit_code == 0
    assert len(planned.output.splitlines()) == len(TOPICS)
    assert run("check").exit_code == 1
    admin = connect(KafkaConnection(kafka))
    assert not [name for name in admin.list_topics() if name.startswith(environment)]
    admin.close()


def test_applied_twice_changes_once(environment: str) -> None:
    first = run("apply")
    assert first.exit_code == 0, first.output
    assert f"{len(TOPICS)} changed" in first.output
    assert run("apply").output == "All in place.\n"
    assert run("check").exit_code == 0
    assert run("plan").output == "Nothing to change.\n"


def test_a_changed_setting_is_found_and_set_back(environment: str, kafka: str) -> None:
    from kafka.admin import ConfigResource, ConfigResourceType

    run("apply")
    admin = connect(KafkaConnection(kafka))
    name = f"{environment}{RELEASE}"
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, {"retention.ms": "1000"})])
    admin.close()
    until(lambda: run("check").exit_code == 1)
    found = [json.loads(line) for line in run("check", "--json").output.splitlines()]
    assert [(one["topic"], one["kind"]) for one in found] == [(name, "configure")]
    assert list(found[0]["config"]) == ["retention.ms"]
    assert run("apply").exit_code == 0
    assert run("check").exit_code == 0


def test_another_partition_count_is_refused_and_nothing_is_shrunk(
    environment: str, kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("apply")
    monkeypatch.setenv("REENTRY_PARTITIONS", "2")
    refused = run("apply")
    assert refused.exit_code == 1
    assert "fixed for life" in refused.output
    admin = connect(KafkaConnection(kafka))
    described = admin.describe_topics([f"{environment}{ALERT}"])
    admin.close()
    assert len(described[0]["partitions"]) == 3


def test_an_absent_broker_is_one_line_and_exit_2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REENTRY_BROKERS", "127.0.0.1:1")
    monkeypatch.setattr("cli.stack.provision.connect.__kwdefaults__", {"seconds": 0.5})
    refused = run("plan")
    assert refused.exit_code == 2
    assert (
        refused.stderr == "handover: no broker answers at 127.0.0.1:1; start one (handover up) or set REENTRY_BROKERS\n"
    )


def test_a_wrong_setting_is_one_line_and_exit_2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REENTRY_PARTITIONS", "many")
    refused = run("plan")
    assert refused.exit_code == 2
    assert refused.stderr.startswith("handover: REENTRY_PARTITIONS: ")
    assert len(refused.stderr.splitlines()) == 1
