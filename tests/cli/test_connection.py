"""What the settings say of the ways to Kafka and the database: each mistake is one line that names its variable, secrets are shown nowhere."""

from pathlib import Path

import pytest

from cli.connection import find_exposed_secrets, mask_database_url, read_database_url, read_kafka_connection
from cli.settings import InvalidSettings, Settings, load
from cli.stack.local import environment, keep_password_aside


@pytest.fixture(autouse=True)
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text("s3cret\n", encoding="utf-8")
    file.chmod(0o600)
    return file


def loaded(monkeypatch: pytest.MonkeyPatch, **given: object) -> Settings:
    for name, value in given.items():
        monkeypatch.setenv(f"REENTRY_{name.upper()}", str(value))
    return load()


def test_the_password_comes_from_its_file_and_is_not_shown(monkeypatch: pytest.MonkeyPatch, secret: Path) -> None:
    given = {"kafka_security_protocol": "SASL_SSL", "kafka_username": "one", "kafka_password_file": secret}
    found = read_kafka_connection(loaded(monkeypatch, **given))
    assert found.client()["sasl_plain_password"] == "s3cret"
    assert found.client()["ssl_context"].check_hostname
    assert "s3cret" not in repr(found)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"kafka_security_protocol": "SASL_PLAINTEXT"}, "REENTRY_KAFKA_SECURITY_PROTOCOL: "),
        ({"kafka_username": "one"}, "REENTRY_KAFKA_USERNAME: not used where"),
        ({"kafka_security_protocol": "SASL_SSL", "kafka_username": "one"}, "REENTRY_KAFKA_PASSWORD_FILE: SASL_SSL needs it"),
        ({"kafka_security_protocol": "SSL", "kafka_ca_file": "/nowhere/ca.pem"}, "REENTRY_KAFKA_CA_FILE: cannot read /nowhere/ca.pem"),
        ({"kafka_security_protocol": "SSL", "kafka_ca_file": __file__}, "REENTRY_KAFKA_CA_FILE: no certificate"),
        ({"kafka_security_protocol": "SSL", "kafka_key_file": __file__}, "REENTRY_KAFKA_CERTIFICATE_FILE: a certificate and its key"),
        ({"kafka_security_protocol": "SASL_SSL", "kafka_username": "one", "kafka_password_file": "/dev/null"}, "REENTRY_KAFKA_PASSWORD_FILE: /dev/null is empty"),
    ],
)  # fmt: skip
def test_a_mistake_names_its_variable(monkeypatch: pytest.MonkeyPatch, given: dict[str, str], named: str) -> None:
    with pytest.raises(InvalidSettings) as caught:
        read_kafka_connection(loaded(monkeypatch, **given))
    assert str(caught.value).startswith(named)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("url", ["mysql://h/d", "oracle+oracledb://h/d"])
def test_a_database_that_nobody_knows_is_named_in_one_line(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    with pytest.raises(InvalidSettings, match=r"^REENTRY_DATABASE_URL: .* is neither postgresql nor sqlite$"):
        read_database_url(loaded(monkeypatch, database_url=url))


def test_a_secret_that_everybody_can_read_is_found(monkeypatch: pytest.MonkeyPatch, secret: Path) -> None:
    settings = loaded(monkeypatch, kafka_password_file=secret)
    assert find_exposed_secrets(settings) == []
    secret.chmod(0o644)
    assert find_exposed_secrets(settings) == ["REENTRY_KAFKA_PASSWORD_FILE"]


def test_postgresql_by_files_checks_certificate_and_host(
    monkeypatch: pytest.MonkeyPatch, secret: Path, tmp_path: Path
) -> None:
    (tmp_path / "ca.pem").write_text("any", encoding="utf-8")
    url = "postgresql+psycopg://handover@db.example/handover"
    settings = loaded(
        monkeypatch, database_url=url, database_password_file=secret, database_ca_file=tmp_path / "ca.pem"
    )
    assert "handover:s3cret@db.example" in read_database_url(settings)
    assert "sslmode=verify-full" in read_database_url(settings)
    assert "sslrootcert=" in read_database_url(settings)
    assert "s3cret" not in mask_database_url(settings) + repr(environment(settings))


@pytest.mark.parametrize("given", ["u:s3cret@h/d", "u@h/d?password=s3cret"])
def test_a_password_in_the_address_is_not_shown(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    assert "s3cret" not in mask_database_url(loaded(monkeypatch, database_url=f"postgresql+psycopg://{given}"))


def test_the_local_stack_writes_down_no_password(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = loaded(monkeypatch, database_url="postgresql+psycopg://u:s3%40cret@h/d")
    aside = keep_password_aside(settings, tmp_path)
    assert "cret" not in repr(environment(aside))
    assert (tmp_path / "database.password").stat().st_mode & 0o077 == 0
    assert read_database_url(aside) == read_database_url(settings)
