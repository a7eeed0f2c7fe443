"""`handover gateway`: events over HTTP, receipts, refs of persons."""

from __future__ import annotations

import ssl
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.output import fail, say, warn
from cli.private_files import make_folder, write_private
from cli.runtime import make_audit_key, read_clock, read_kafka, read_settings

if TYPE_CHECKING:
    from cli.settings import Settings
    from gateway.app import GatewayConfig
    from gateway.person_refs import PersonKeys
    from gateway.reference_audit import ReferenceAudit
    from gateway.signing import Signer

PORT = 8090
_FIRST_LINE = "# Keys of publishers: digests only.\n"
KEYS_FILE, SIGNING_FILE, AUDIT_FILE = "gateway-keys.toml", "gateway-signing.pem", "gateway-audit.jsonl"


def gateway(
    add_key: Annotated[
        str | None, typer.Option("--add-key", help="SOURCE: make a key of this source, print it once, then end.")
    ] = None,
    types: Annotated[
        str, typer.Option("--types", help="With --add-key: what it may send, like release.*,system.*; all by default.")
    ] = "*",
    person_refs: Annotated[
        bool, typer.Option("--person-refs", help="With --add-key: it may ask for refs of persons.")
    ] = False,
    revoke_key: Annotated[
        str | None, typer.Option("--revoke-key", help="ID: remove a key, then end; a running gateway learns of it.")
    ] = None,
    rotate_person_key: Annotated[
        bool, typer.Option("--rotate-person-key", help="Add a key of person_ref, which is the current one, then end.")
    ] = False,
    check_audit: Annotated[
        bool, typer.Option("--check-audit", help="Check the record of who asked for refs of persons, then end.")
    ] = False,
    no_receipts: Annotated[
        bool, typer.Option("--no-receipts", help="Do not write the receipts of all records: another gateway does.")
    ] = False,
) -> None:
    """Take CloudEvents over HTTP on REENTRY_WEB_HOST and REENTRY_WEB_PORT (8090 if that is 0) until Ctrl-C or SIGTERM."""
    settings = read_settings()
    if add_key is not None:
        _add_key(settings, add_key, tuple(types.split(",")), person_refs=person_refs)
    elif revoke_key is not None:
        _revoke_key(settings, revoke_key)
    elif rotate_person_key:
        _rotate_person_key(settings)
    elif check_audit:
        _check_audit(settings)
    else:
        _serve(settings, follows=not no_receipts)


def _keys_file(settings: Settings) -> Path:
    return settings.gateway_keys or settings.data_dir / KEYS_FILE


def _add_key(settings: Settings, source: str, types: tuple[str, ...], *, person_refs: bool) -> None:
    from gateway.api_keys import InvalidKeys, make_key

    path = _keys_file(settings)
    try:
        key, token = make_key(source, types, person_refs=person_refs)
    except InvalidKeys as error:
        fail(str(error), "write the source of the publisher")
    make_folder(path.parent)
    text = path.read_text(encoding="utf-8") if path.exists() else _FIRST_LINE
    _replace(path, text + key.entry())
    say(f"key {key.id} of {key.source}, told only now:")
    say(token)


def _revoke_key(settings: Settings, key_id: str) -> None:
    from gateway.api_keys import InvalidKeys, read_keys

    path = _keys_file(settings)
    try:
        keys = dict(read_keys(path))
    except (InvalidKeys, OSError) as error:
        fail(f"REENTRY_GATEWAY_KEYS: {error}", "correct the file")
    if keys.pop(key_id, None) is None:
        fail(f"--revoke-key {key_id}: there is no such key", f"its id stands in {path}")
    _replace(path, _FIRST_LINE + "".join(key.entry() for key in keys.values()))
    say(f"key {key_id} is revoked")


def _rotate_person_key(settings: Settings) -> None:
    from gateway.person_refs import PersonKeys

    path = settings.gateway_person_keys
    if path is None:
        fail("REENTRY_GATEWAY_PERSON_KEYS is not set", "name the file of the keys, which is made")
    keys = (_read_person_keys(settings) if path.exists() else None) or PersonKeys(0, {})
    make_folder(path.parent)
    fresh = keys.rotated()
    _replace(path, fresh.text())
    say(f"version {fresh.current} is the current key; start the gateway again, and keep a copy of {path} in a safe")


def _replace(path: Path, text: str) -> None:
    fresh = path.with_name(f".{path.name}.fresh")
    write_private(fresh, text)
    fresh.replace(path)


def _check_audit(settings: Settings) -> None:
    from cli.output import CHECK_FAILED
    from gateway.reference_audit import BrokenAudit, verify

    path, key = settings.data_dir / AUDIT_FILE, make_audit_key(settings)
    assert key is not None
    try:
        number, _ = verify(path, key)
    except BrokenAudit as error:
        fail(str(error), "find out who wrote to the file", CHECK_FAILED)
    except OSError as error:
        fail(f"cannot read {path}: {error.strerror}", "give REENTRY_DATA_DIR of the gateway")
    say(f"{number} requests for refs of persons, the chain holds")


def _serve(settings: Settings, *, follows: bool) -> None:
    from cli.logs import start_logs
    from console.web.limits import LimitedBodies
    from console.web.server import serve
    from gateway.app import answer_refusal, create_app, limit_body

    config = _configure(settings, follows=follows)
    start_logs(settings, quiet=("kafka", "aiokafka"))
    port = settings.web_port or PORT
    tls = _read_tls(settings)
    say(
        f"gateway: {'https' if tls else 'http'}://{settings.web_host}:{port}, receipts signed by {config.signer.key_id}"
    )
    serve(LimitedBodies(create_app(config), answer_refusal, limit_body), settings.web_host, port, **tls)


def _configure(settings: Settings, *, follows: bool) -> GatewayConfig:
    from gateway.api_keys import InvalidKeys, KeyRing
    from gateway.app import GatewayConfig
    from schemas import publishers

    path = _keys_file(settings)
    if settings.gateway_keys is None and not path.exists():
        make_folder(path.parent)
        write_private(path, _FIRST_LINE)
        warn("no key is known yet; make a first one: handover gateway --add-key SOURCE")
    try:
        keys = KeyRing(path)
    except (InvalidKeys, OSError) as error:
        fail(f"REENTRY_GATEWAY_KEYS: {error}", "correct the file")
    try:
        register = publishers.load(settings.publishers)
    except (publishers.InvalidPublishers, OSError) as error:
        fail(str(error), "correct it or REENTRY_PUBLISHERS")
    clock, person_keys = read_clock(settings), _read_person_keys(settings)
    return GatewayConfig(
        kafka=read_kafka(settings),
        topic_prefix=settings.topic_prefix,
        keys=keys,
        signer=_read_signer(settings),
        now=lambda: clock.now(time.time_ns() // 1_000_000),
        arrival=clock.arrival,
        person_keys=person_keys,
        audit=None if person_keys is None else _open_audit(settings),
        publishers=register,
        rate=settings.gateway_rate,
        follows=follows,
    )


def _read_signer(settings: Settings) -> Signer:
    """The key that signs receipts; the first start makes it where none is named."""
    from gateway.signing import InvalidKeyFile, Signer, make_private_key, write_public

    path = settings.gateway_signing_key or settings.data_dir / SIGNING_FILE
    try:
        if settings.gateway_signing_key is None and not path.exists():
            make_folder(path.parent)
            write_private(path, make_private_key())
        signer = Signer.read(path)
        public = path.with_suffix(".pub")
        if settings.gateway_signing_key is None and not public.exists():
            public.write_text(write_public(signer.public), encoding="ascii")
    except (InvalidKeyFile, OSError) as error:
        fail(f"REENTRY_GATEWAY_SIGNING_KEY: {error}", "make one: openssl genpkey -algorithm ed25519")
    return signer


def _read_person_keys(settings: Settings) -> PersonKeys | None:
    from gateway.person_refs import InvalidPersonKeys, read_person_keys

    path = settings.gateway_person_keys
    if path is None:
        return None
    try:
        return read_person_keys(path)
    except (InvalidPersonKeys, OSError) as error:
        fail(
            f"REENTRY_GATEWAY_PERSON_KEYS: {error}",
            "correct the file, or make it: handover gateway --rotate-person-key",
        )


def _open_audit(settings: Settings) -> ReferenceAudit:
    from gateway.reference_audit import BrokenAudit, ReferenceAudit

    key = make_audit_key(settings)
    assert key is not None
    try:
        return ReferenceAudit(settings.data_dir / AUDIT_FILE, key)
    except (BrokenAudit, OSError) as error:
        fail(str(error), "find out who wrote to the file, put it aside, and start again")


def _read_tls(settings: Settings) -> dict[str, Any]:
    certificate, key, authority = (
        settings.gateway_certificate_file,
        settings.gateway_key_file,
        settings.gateway_client_ca_file,
    )
    if (certificate is None) != (key is None) or (authority is not None and certificate is None):
        fail("REENTRY_GATEWAY_CERTIFICATE_FILE: a certificate and its key come together", "name both files")
    if certificate is None or key is None:
        return {}
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=lambda: "")
        if authority is not None:
            ssl.create_default_context(cafile=str(authority))
    except OSError as error:
        fail(f"REENTRY_GATEWAY_CERTIFICATE_FILE: no certificate or key that can be used ({error})", "correct the files")
    found: dict[str, Any] = {"ssl_certfile": str(certificate), "ssl_keyfile": str(key)}
    if authority is not None:
        found |= {"ssl_ca_certs": str(authority), "ssl_cert_reqs": ssl.CERT_REQUIRED}
    return found
