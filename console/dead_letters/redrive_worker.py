"""The thread that works on redrives: says what they would do, then sends them one by one, and stops when it is told to."""

import logging
import secrets
import threading
from collections import Counter
from datetime import datetime
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError, MessageSizeTooLargeError
from sqlalchemy.exc import SQLAlchemyError

from console.db.rows import RedriveLetterRow, RedriveRow
from console.dead_letters import redrive_preview, redrive_store
from console.dead_letters.redrive_store import RedriveLetter
from console.outbox.publisher import SEND_SECONDS, Publisher, make_producer
from console.web.metrics import REDRIVEN
from console.web.site import Site
from schemas.dead_letter import Refusal, understood
from schemas.envelope import Event
from sinks.readmodel.tables import event

log = logging.getLogger(__name__)

_PAUSE_SECONDS, _AWAY_SECONDS = 0.25, 2.0


class Redriver:
    """Works on redrives in a thread of its own; several processes share them by their table."""

    def __init__(self, site: Site, publisher: Publisher) -> None:
        self._site, self._publisher = site, publisher
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="redriver", daemon=True)
        self._worker = secrets.token_hex(8)
        self._producer: KafkaProducer | None = None

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def is_alive(self) -> bool:
        """Whether its thread runs."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """End; a redrive that runs goes on in the next process."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=SEND_SECONDS + 5)
        self._close()

    def _run(self) -> None:
        away = False
        while not self._stop.wait(_PAUSE_SECONDS):
            try:
                while not self._stop.is_set() and self.step():
                    pass
                away = False
            except SQLAlchemyError as error:
                if not away:
                    log.warning("the database is away, redrives wait: %s", type(error).__name__)
                away = True

    def step(self) -> bool:
        """Work on one redrive; whether there was one."""
        site = self._site
        row = redrive_store.claim(site.engine, self._worker, site.wall())
        if row is None:
            return False
        try:
            if row["state"] == "asked":
                self._preview(row)
            else:
                self._send_some(row)
        except SQLAlchemyError:
            raise
        except Exception as error:
            log.exception("redrive %s failed", row["redrive_id"])
            ended = {"state": "failed", "failure": type(error).__name__, "done_at": site.wall()}
            redrive_store.move(site.engine, row["redrive_id"], redrive_store.WORK, **ended)
        return True

    # --- preview

    def _preview(self, row: RedriveRow) -> None:
        site, now = self._site, self._site.now()
        with site.engine.connect() as connection:
            judged = [(one, self._judge(one, now)) for one in redrive_store.open_letters(connection, row["redrive_id"])]
            passing = [found for _, found in judged if isinstance(found, Event)]
            known = {(one.source, one.id) for one in passing if _is_known(connection, one)}
            fresh = [one for one in passing if (one.source, one.id) not in known]
            effect = redrive_preview.compute_effect(
                connection, site, list({(one.source, one.id): one for one in fresh}.values()), now
            )
        stays = Counter((found.reason, found.message) for _, found in judged if isinstance(found, Refusal))
        told = {
            "at": now.isoformat(),
            "passes": len(passing),
            "known": sum((one.source, one.id) in known for one in passing),
            "topics": sorted({one.topic for one in passing}),
            "stays": [{"reason": reason, "message": text, "n": n} for (reason, text), n in stays.most_common()],
            "changes": [change.wire() for change in effect.changes],
            "subjects": effect.subjects,
            "events": effect.events,
        }
        with site.engine.begin() as connection:
            for one, found in judged:
                redrive_store.note_letter(connection, one.row, **_describe_verdict(found, known))
        redrive_store.move(site.engine, row["redrive_id"], ("asked",), state="previewed", preview=told)

    def _judge(self, one: RedriveLetter, now: datetime) -> Event | Refusal:
        if one.letter is None:
            return Refusal("DECIDED", "somebody has decided about it")
        return understood(one.letter, now, self._site.config.topic_prefix)

    # --- sending

    def _send_some(self, row: RedriveRow) -> None:
        """Send for about a second, so that others' previews come in between."""
        site, redrive_id, sent = self._site, row["redrive_id"], 0
        with site.engine.connect() as connection:
            waiting = redrive_store.read_in_states(
                connection, redrive_id, ("passes",), max(1, round(site.config.redrive_per_second))
            )
        for one in waiting:
            state = redrive_store.beat(site.engine, redrive_id, self._worker, site.wall())
            if state == "stopping":
                redrive_store.move(
                    site.engine, redrive_id, ("stopping",), state="stopped", done_at=site.wall(), worker=None
                )
            if state != "running" or self._stop.is_set():
                return
            if not self._send(one):
                redrive_store.move(site.engine, redrive_id, redrive_store.WORKING, failure="KAFKA")
                self._stop.wait(_AWAY_SECONDS)
                return
            sent += 1
            self._stop.wait(1 / site.config.redrive_per_second)
        if not waiting:
            redrive_store.move(
                site.engine, redrive_id, redrive_store.WORKING, state="done", done_at=site.wall(), failure=None
            )
        elif sent and row["failure"]:
            redrive_store.move(site.engine, redrive_id, redrive_store.WORKING, failure=None)

    def _send(self, row: RedriveLetterRow) -> bool:
        """Send one, if it still passes; False where Kafka is away: then the same again."""
        site = self._site
        with site.engine.connect() as connection:
            one = redrive_store.read_letter(connection, row)
        found, letter = self._judge(one, site.now()), one.letter
        if letter is not None and not isinstance(found, Refusal):
            try:
                if not self._publisher.knock():
                    return False
                if self._producer is None:
                    self._producer = make_producer(site.config.kafka)
                sending = self._producer.send(letter.topic, letter.value, letter.key, letter.headers_of_next_try())
                sending.get(timeout=SEND_SECONDS)
            except MessageSizeTooLargeError:
                found = Refusal("REFUSED", "the broker takes no record of this size")
            except (KafkaError, OSError) as error:
                self._close()
                log.warning("a dead letter was not sent: %s", type(error).__name__)
                return False
            else:
                redrive_store.mark_sent(site.engine, row, site.wall())
                REDRIVEN.labels(letter.reason).inc()
                return True
        with site.engine.begin() as connection:
            redrive_store.note_letter(connection, row, **_describe_verdict(found, set()))
        return True

    def _close(self) -> None:
        if self._producer is not None:
            self._producer.close(timeout=2)
            self._producer = None


def _describe_verdict(found: Event | Refusal, known: set[tuple[str, str]]) -> dict[str, Any]:
    if isinstance(found, Refusal):
        return {"state": "stays", "why": found.reason, "message": found.message}
    return {
        "state": "passes",
        "event_source": found.source,
        "event_id": found.id,
        "known": (found.source, found.id) in known,
    }


def _is_known(connection: Any, one: Event) -> bool:
    wanted = event.select().with_only_columns(event.c.id).where(event.c.source == one.source, event.c.id == one.id)
    return connection.execute(wanted).first() is not None
