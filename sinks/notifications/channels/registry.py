"""Every kind of channel: another one is a module beside this, a class of the policy and a line here."""

from collections.abc import Callable, Mapping
from pathlib import Path

from sinks.notifications import policy
from sinks.notifications.channels.alertmanager import AlertmanagerSender
from sinks.notifications.channels.apprise_services import AppriseSender
from sinks.notifications.channels.channel import Channel, Unreachable
from sinks.notifications.channels.smtp import SmtpSender
from sinks.notifications.channels.webhook import WebhookSender
from sinks.notifications.policy import Policy

_BUILDERS: Mapping[type, Callable[..., Channel]] = {
    policy.SmtpChannel: SmtpSender,
    policy.WebhookChannel: WebhookSender,
    policy.AlertmanagerChannel: AlertmanagerSender,
    policy.AppriseChannel: AppriseSender,
}


def build_channels(chosen: Policy) -> Mapping[str, Channel]:
    """The channels of a policy by name; nothing is opened yet."""
    return {name: _BUILDERS[type(config)](config, read_secret) for name, config in chosen.channels.items()}


def read_secret(path: Path) -> str:
    """One line of a file, read at each use so that a new secret needs no new start. Raise Unreachable."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Unreachable(f"a secret cannot be read: {type(error).__name__}") from error
