"""The container files name only commands, ports and variables that exist. No container engine runs here: they are read."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import typer
import yaml

from cli.main import COMMANDS, _load
from cli.settings import Settings, variables

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
WORKER = OURS["worker"]["environment"]


def instructions(word: str) -> list[str]:
    joined = DOCKERFILE.replace("\\\n", " ")
    return [line.split(maxsplit=1)[1] for line in joined.splitlines() if line.startswith(f"{word} ")]


def options(command: Any) -> set[str]:
    return {text for one in command.params for text in one.opts}


@pytest.mark.parametrize("name", OURS)
def test_every_command_and_option_exists(name: str) -> None:
    first, *rest = OURS[name]["command"]
    assert first in COMMANDS
    command: Any = _load(first)
    for word in rest:
        if word.startswith("--"):
            assert word in options(command)
        else:
            command = command.commands[word]


@pytest.mark.parametrize("name", OURS)
def test_every_variable_exists_and_its_value_is_accepted(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = OURS[name]["environment"]
    assert set(environment) <= set(variables())
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    settings = Settings()
    assert settings.brokers == environment["REENTRY_BROKERS"]


def test_the_image_sets_only_variables_that_exist() -> None:
    named = re.findall(r"(REENTRY_\w+)=", " ".join(instructions("ENV")))
    assert named
    assert set(named) <= set(variables())


def test_clients_go_where_the_broker_listens() -> None:
    kafka = SERVICES["kafka"]["environment"]
    assert kafka["KAFKA_ADVERTISED_LISTENERS"] == f"PLAINTEXT://{WORKER['REENTRY_BROKERS']}"
    port = WORKER["REENTRY_BROKERS"].rpartition(":")[2]
    assert f"PLAINTEXT://:{port}" in kafka["KAFKA_LISTENERS"]
    assert kafka["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"


def test_the_database_address_is_that_of_the_database() -> None:
    postgres = SERVICES["postgres"]["environment"]
    password = postgres["POSTGRES_PASSWORD"]
    url = urlsplit(WORKER["REENTRY_DATABASE_URL"].replace(password, "secret"))
    assert (url.hostname, url.port, url.path[1:]) == ("postgres", 5432, postgres["POSTGRES_DB"])
    assert (url.username, url.password) == (postgres["POSTGRES_USER"], "secret")


def test_the_health_check_asks_the_port_that_is_served() -> None:
    assert WORKER["REENTRY_WEB_PORT"] in instructions("EXPOSE")
    assert "/live" in instructions("HEALTHCHECK")[0]
    assert "/live" in (ROOT / "streams" / "probes.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_waits_for_what_can_tell_that_it_is_there(name: str) -> None:
    for other, how in SERVICES[name].get("depends_on", {}).items():
        if how["condition"] == "service_healthy":
            assert "test" in SERVICES[other]["healthcheck"]
        else:
            assert how["condition"] == "service_completed_successfully"
            assert "restart" not in SERVICES[other], "it must end for this one to begin"


@pytest.mark.parametrize("name", ["console", "gateway"])
def test_what_people_and_publishers_ask_is_published_on_this_machine_alone(name: str) -> None:
    """Neither speaks TLS here."""
    port = OURS[name]["environment"]["REENTRY_WEB_PORT"]
    assert SERVICES[name]["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert [one.partition(":")[2] for one in OURS[name]["volumes"]] == ["/data"], "its keys must outlive it"
    assert all(not one.startswith("/data") for one in SERVICES[name]["tmpfs"])


def test_no_password_is_known_beforehand() -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    named = re.findall(r"\$\{([A-Z_]+)(:?[-?])?", text)
    assert named
    assert {how for name, how in named if "PASSWORD" in name} == {":?"}
    assert all("--demo" not in service["command"] for service in OURS.values())


def test_the_image_carries_what_pages_load() -> None:
    build = DOCKERFILE.index("pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation .")
    assert DOCKERFILE.index("npm ci") < DOCKERFILE.index("console/static/node_modules") < build


def test_at_most_one_worker_a_partition() -> None:
    assert 2 <= SERVICES["worker"]["deploy"]["replicas"] <= int(WORKER["REENTRY_PARTITIONS"])


def test_the_image_holds_every_package_and_runs_without_root() -> None:
    packages = re.search(r"packages = (\[.*\])", (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert packages is not None
    copied = {line.split()[0] for line in instructions("COPY")}
    assert set(json.loads(packages.group(1))) <= copied
    for line in instructions("COPY"):
        sources = [] if line.startswith("--from") else line.split()[:-1]
        assert all((ROOT / source).exists() for source in sources)
    assert instructions("USER") == ["10001:10001"]
    assert instructions("ENTRYPOINT") == ['["handover"]']
    assert instructions("FROM")[-1] == "python:3.11-slim"


def test_typer_knows_the_table_of_commands() -> None:
    assert isinstance(_load("topics"), typer.core.TyperGroup)
