"""The body that Prometheus Alertmanager posts to webhook receivers, version 4: whoever can take its alerts can take ours."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from sinks.notifications.channels.http_post import Poster
from sinks.notifications.message import AlertLine, Message
from sinks.notifications.policy import AlertmanagerChannel
from sinks.notifications.words import number_of

_NEVER = "0001-01-01T00:00:00Z"  # Alertmanager's zero: it has not ended
_SEVERITY = {"CRIT": "critical", "HIGH": "error", "WARN": "warning", "INFO": "info"}


class AlertmanagerSender:
    """Posts one group a message."""

    def __init__(self, config: AlertmanagerChannel, read_secret: Callable[..., str]) -> None:
        self._config, self._read_secret = config, read_secret
        self._poster = Poster(config.url, config.ca_file)

    def send(self, message: Message) -> None:
        """As `Channel`."""
        headers = {"content-type": "application/json", "webhook-id": message.message_id}
        if self._config.token_file is not None:
            headers["authorization"] = f"Bearer {self._read_secret(self._config.token_file)}"
        self._poster.post(orjson.dumps(write_group(message)), headers)

    def close(self) -> None:
        """As `Channel`."""
        self._poster.close()


def write_group(message: Message) -> dict[str, Any]:
    """The group: labels say what it is about, annotations what people read."""
    alerts = [_write_alert(message, one) for one in message.content.lines] or [_write_notice(message)]
    return {
        "version": "4",
        "groupKey": f'{{}}:{{message="{message.message_id}"}}',
        "truncatedAlerts": message.content.more,
        "status": "firing" if any(one["status"] == "firing" for one in alerts) else "resolved",
        "receiver": message.channel,
        "groupLabels": {"office": message.office},
        "commonLabels": _find_common([one["labels"] for one in alerts]),
        "commonAnnotations": {},
        "externalURL": message.console_url,
        "alerts": alerts,
    }


def _write_alert(message: Message, line: AlertLine) -> dict[str, Any]:
    labels = {
        "alertname": line.rule_id,
        "alert_id": line.alert_id,
        "office": line.office,
        "severity": _SEVERITY.get(line.severity, "none"),
    }
    return {
        "status": "resolved" if line.is_over else "firing",
        "labels": labels,
        "annotations": {
            "summary": f"{line.rule_id} {line.rule[message.language]}".strip(),
            "number": number_of(line.alert_id),
            "due_at": line.due_at,
            "step": str(line.step),
        },
        "startsAt": line.raised_at,
        "endsAt": line.ended_at or _NEVER,
        "generatorURL": message.link_to(line),
        "fingerprint": hashlib.sha256(line.alert_id.encode()).hexdigest()[:16],
    }


def _write_notice(message: Message) -> dict[str, Any]:
    """A message that is about no alert."""
    return {
        "status": "firing",
        "labels": {"alertname": f"reentry_{message.kind}", "office": message.office, "severity": "info"},
        "annotations": {"summary": message.subject},
        "startsAt": message.made_at.isoformat(timespec="seconds"),
        "endsAt": _NEVER,
        "generatorURL": message.link,
        "fingerprint": hashlib.sha256(message.message_id.encode()).hexdigest()[:16],
    }


def _find_common(labels: Sequence[Mapping[str, str]]) -> Mapping[str, str]:
    first = labels[0]
    return {name: value for name, value in first.items() if all(one.get(name) == value for one in labels)}
