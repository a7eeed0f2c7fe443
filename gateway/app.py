"""The gateway's addresses: events in, receipts out, refs of persons. Everything else is refused as RFC 9457 says."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import orjson
from fastapi import FastAPI, Request, Response
from kafka.errors import KafkaError
from prometheus_client import Counter, generate_latest
from starlette.exceptions import HTTPException

from brokers.connection import KafkaConnection
from gateway.acceptance import Accepted, accept
from gateway.api_keys import ApiKey, InvalidKeys, KeyRing
from gateway.event_log import Entry, EventLog, LogBusy, LogUnavailable, TooLargeRecord, Written
from gateway.http_events import read_request
from gateway.person_refs import InvalidNumber, PersonKeys
from gateway.problems import Error, Problem, refuse, unavailable
from gateway.rate_limits import EVENTS, RateLimits
from gateway.receipt_follower import ReceiptFollower
from gateway.receipt_lookup import LookedTooLong, ReceiptLookup
from gateway.receipts import encode, make_receipt, sign
from gateway.reference_audit import ReferenceAudit
from gateway.signing import Signer, write_public
from schemas.instants import show
from schemas.receipt import SignedReceipt, read_receipt_id

log = logging.getLogger(__name__)
MIB = 1024 * 1024
LONGEST_BODY, LONGEST_NUMBER_BODY = 8 * MIB, 4096  # bytes
AGAIN_SECONDS, BUSY_SECONDS = 5, 1
JSON = "application/json"
EVENTS_TOTAL = Counter(
    "reentry_gateway_events_total", "Events by what became of them: accepted, refused.", ("outcome",)
)
REFS_TOTAL = Counter("reentry_gateway_person_refs_total", "Refs of persons that were answered.")


@dataclass(frozen=True)
class GatewayConfig:
    """What the gateway is given. `now` and `arrival` (of broker ms) are in the time that facts are judged in."""

    kafka: KafkaConnection
    topic_prefix: str
    keys: KeyRing
    signer: Signer
    now: Callable[[], datetime]
    arrival: Callable[[int], datetime]
    person_keys: PersonKeys | None = None  # None: no refs are made here
    audit: ReferenceAudit | None = None
    publishers: frozenset[str] | None = None
    rate: str = EVENTS
    follows: bool = True  # writes the receipts of all records


def limit_body(path: str) -> int:
    """Return how many bytes the body of a request to this path may have."""
    return LONGEST_NUMBER_BODY if path == "/person-refs" else LONGEST_BODY


def answer_refusal(request: Request, status: int, text: str) -> Response:
    """Return the answer to a request that is refused before it is read."""
    return refuse(status).response()


class Gateway:
    """The parts of one process."""

    def __init__(self, config: GatewayConfig) -> None:
        self.config = config
        self.log = EventLog(config.kafka, config.topic_prefix)
        self.limits = RateLimits(config.rate)
        self.lookup = ReceiptLookup(config.kafka, config.topic_prefix, config.signer)
        self.follower = ReceiptFollower(config.kafka, config.topic_prefix, config.arrival, config.signer)

    def authorize(self, request: Request) -> ApiKey:
        """Return the key of a request. Raise Problem."""
        try:
            key = self.config.keys.find(request.headers.get("authorization"))
        except (InvalidKeys, OSError):
            log.exception("the file of keys cannot be read")
            raise unavailable("the gateway cannot read its keys; its operator is told in the log", 60) from None
        if key is None:
            self.limits.take("unknown", request.client.host if request.client else "")
            text = "authorization: must be Bearer and a key that the operator has given"
            raise Problem(
                401,
                "http-401",
                "No key, or one that is not known",
                (Error(text),),
                headers={"www-authenticate": "Bearer"},
            )
        return key

    async def append(self, accepted: list[Accepted]) -> list[SignedReceipt]:
        """Write events and return their receipts. Raise Problem; then none was acknowledged to the sender."""
        entries = [Entry(one.event.topic, one.event.subject.encode(), *one.message[:2]) for one in accepted]
        try:
            written = await self.log.append(entries)
        except LogUnavailable:
            raise unavailable(
                "Kafka does not answer; send the same again, which is no second event", AGAIN_SECONDS
            ) from None
        except LogBusy:
            raise unavailable("too much waits to be written; send the same again", BUSY_SECONDS) from None
        except TooLargeRecord:
            raise refuse(413, "value: larger than the brokers take") from None
        return [self._sign(one, place) for one, place in zip(accepted, written, strict=True)]

    def _sign(self, accepted: Accepted, at: Written) -> SignedReceipt:
        message = accepted.message
        place = (at.topic, at.partition, at.offset)
        return sign(make_receipt("in_log", place, at.timestamp_ms, message.value, message.headers), self.config.signer)


def create_app(config: GatewayConfig) -> FastAPI:
    """Return the application; its parts start with it."""
    gateway = Gateway(config)

    @asynccontextmanager
    async def live(_: FastAPI) -> AsyncIterator[None]:
        stop = threading.Event()
        thread = threading.Thread(target=gateway.follower.run, args=(stop,), name="receipts", daemon=True)
        if config.follows:
            thread.start()
        await gateway.log.start()
        yield
        stop.set()
        await gateway.log.stop()
        if config.follows:
            await asyncio.to_thread(thread.join, 10)
        await asyncio.to_thread(gateway.lookup.close)

    app = FastAPI(title="Reentry gateway", lifespan=live, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_exception_handler(Problem, _answer)
    app.add_exception_handler(HTTPException, _answer)
    app.add_exception_handler(Exception, _answer)
    for method, path, handler in (
        ("POST", "/events", _post_events),
        ("GET", "/receipts/{id_}", _get_receipts),
        ("POST", "/person-refs", _post_person_refs),
    ):
        app.add_api_route(path, _bind(handler, gateway), methods=[method])
    app.add_api_route("/receipt-key", _bind(_get_key, gateway), methods=["GET"])
    app.add_api_route("/ready", _bind(_get_ready, gateway), methods=["GET"])
    app.add_api_route("/live", _get_live, methods=["GET"])
    app.add_api_route("/metrics", _get_metrics, methods=["GET"])
    return app


Handler = Callable[[Gateway, Request], Awaitable[Response]]


def _bind(handler: Handler, gateway: Gateway) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        return await handler(gateway, request)

    return answer


async def _post_events(gateway: Gateway, request: Request) -> Response:
    key = gateway.authorize(request)
    messages = read_request(request.headers, await request.body())
    gateway.limits.take_events(key.id, len(messages), key.rate)
    try:
        accepted = accept(messages, key, gateway.config.now(), gateway.config.publishers)
        receipts = await gateway.append(accepted)
    except Problem:
        EVENTS_TOTAL.labels("refused").inc(len(messages))
        raise
    EVENTS_TOTAL.labels("accepted").inc(len(messages))
    if messages[0].number is not None:
        return Response(encode(receipts), 202, media_type=JSON)
    [receipt] = receipts
    return Response(encode(receipt), 202, {"location": f"/receipts/{receipt.receipt.id}"}, JSON)


async def _get_receipts(gateway: Gateway, request: Request) -> Response:
    key = gateway.authorize(request)
    gateway.limits.take("lookups", key.id)
    try:
        topic, partition, offset = read_receipt_id(request.path_params["id_"])
    except ValueError as error:
        raise refuse(404, str(error)) from None
    try:
        looked = await asyncio.to_thread(gateway.lookup.find, topic, partition, offset, key.source)
    except (KafkaError, OSError, LookedTooLong):
        raise unavailable("Kafka does not answer", AGAIN_SECONDS) from None
    if looked is None:
        raise refuse(404, "no event of this source stands there, or it is older than 90 days")
    return Response(encode([one for one in looked if one is not None]), 200, media_type=JSON)


async def _post_person_refs(gateway: Gateway, request: Request) -> Response:
    key, keys, audit = gateway.authorize(request), gateway.config.person_keys, gateway.config.audit
    if keys is None or audit is None:
        raise refuse(404, "this gateway makes no refs of persons")
    if not key.person_refs:
        raise refuse(403, "authorization: this key may not ask for refs of persons")
    gateway.limits.take("person_refs", key.id)
    try:
        told = orjson.loads(await request.body())
        number = told["id_number"]
        refs = keys.refs_of(number if isinstance(number, str) else "")
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise refuse(400, 'value: must be a JSON object {"id_number": "…"}') from None
    except InvalidNumber as error:
        raise refuse(422, f"id_number: {error}") from None
    ref = refs[keys.current]
    row = {"at": show(gateway.config.now()), "key": key.id, "source": key.source, "version": keys.current, "ref": ref}
    try:
        await asyncio.to_thread(audit.append, row)
    except OSError:
        log.exception("the audit of refs cannot be written, none is answered")
        raise unavailable("the request could not be recorded", 60) from None
    REFS_TOTAL.inc()
    former = [{"key_version": version, "person_ref": one} for version, one in refs.items() if version != keys.current]
    body = {"person_ref": ref, "key_version": keys.current, "former": former}
    return Response(orjson.dumps(body), 200, {"cache-control": "no-store"}, JSON)


async def _get_key(gateway: Gateway, request: Request) -> Response:
    return Response(write_public(gateway.config.signer.public), media_type="application/x-pem-file")


async def _get_ready(gateway: Gateway, request: Request) -> Response:
    if gateway.log.is_away:
        raise unavailable("Kafka does not answer", AGAIN_SECONDS)
    return Response(status_code=204)


async def _get_live() -> Response:
    return Response(status_code=204)


async def _get_metrics() -> Response:
    return Response(generate_latest(), media_type="text/plain; version=0.0.4")


async def _answer(_: Request, error: Exception) -> Response:
    if isinstance(error, Problem):
        return error.response()
    if isinstance(error, HTTPException):
        found = refuse(error.status_code)
        found.headers |= dict(error.headers or {})
        return found.response()
    return Problem(500, "bug", "The gateway has failed; nothing was acknowledged").response()
