"""CloudEvents as JSON, signed as Standard Webhooks say: webhook-id is the same at each attempt."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
from standardwebhooks import Webhook

from schemas.instants import show
from schemas.payload import PIPELINE
from sinks.notifications.channels.http_post import Poster
from sinks.notifications.message import AlertLine, Message
from sinks.notifications.policy import WebhookChannel
from sinks.notifications.words import number_of

TYPE = "reentry.notice.v1"


class WebhookSender:
    """Posts one CloudEvent a message."""

    def __init__(self, config: WebhookChannel, read_secret: Callable[..., str]) -> None:
        self._config, self._read_secret = config, read_secret
        self._poster = Poster(config.url, config.ca_file)

    def send(self, message: Message) -> None:
        """As `Channel`."""
        body = orjson.dumps(write_event(message))
        at = datetime.now(UTC)
        signature = Webhook(self._read_secret(self._config.secret_file)).sign(message.message_id, at, body.decode())
        headers = {
            "content-type": "application/cloudevents+json; charset=utf-8",
            "webhook-id": message.message_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": signature,
        }
        self._poster.post(body, headers)

    def close(self) -> None:
        """As `Channel`."""
        self._poster.close()


def write_event(message: Message) -> dict[str, Any]:
    """The CloudEvent: the same at each attempt."""
    return {
        "specversion": "1.0",
        "id": message.message_id,
        "source": PIPELINE,
        "type": TYPE,
        "subject": message.office,
        "time": show(message.made_at),
        "datacontenttype": "application/json",
        "data": {
            "kind": message.kind,
            "recipient": message.recipient,
            "office": message.office,
            "title": message.subject,
            "alerts": [_write_line(message, one) for one in message.content.lines],
            "releases": [
                {
                    "number": number_of(one.handover),
                    "released_on": one.released_on,
                    "sending": one.sending,
                    "missing": list(one.rules),
                }
                for one in message.content.releases
            ],
            "more": message.content.more,
            "link": message.link,
        },
    }


def _write_line(message: Message, line: AlertLine) -> dict[str, Any]:
    return {
        "number": number_of(line.alert_id),
        "alert_id": line.alert_id,
        "rule_id": line.rule_id,
        "rule": dict(line.rule),
        "severity": line.severity,
        "state": "over" if line.is_over else "firing",
        "outcome": line.outcome,
        "office": line.office,
        "due_at": line.due_at,
        "step": line.step,
        "link": message.link_to(line),
    }
