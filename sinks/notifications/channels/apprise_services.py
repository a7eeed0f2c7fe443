"""WeCom, DingTalk, Feishu and whatever else Apprise speaks: one address each, which is a secret and stands in a file."""

from collections.abc import Callable

from apprise import Apprise, NotifyFormat, NotifyType

from sinks.notifications.channels.channel import Unreachable
from sinks.notifications.channels.rendering import render_text
from sinks.notifications.message import Message
from sinks.notifications.policy import AppriseChannel

_LONGEST_TEXT = 1_900  # characters: the shortest limit of the services that are meant


class AppriseSender:
    """Sends the text. Apprise tells only whether it worked, so that every failure is tried again until the message is given up."""

    def __init__(self, config: AppriseChannel, read_secret: Callable[..., str]) -> None:
        self._config, self._read_secret = config, read_secret

    def send(self, message: Message) -> None:
        """As `Channel`."""
        service = Apprise()
        if not service.add(self._read_secret(self._config.url_file)):
            raise Unreachable("the address in url_file is none of Apprise's")
        text = render_text(message)
        body = text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…\n{message.link}"
        kind = NotifyType.SUCCESS if message.kind == "over" else NotifyType.WARNING
        if not service.notify(body=body, title=message.subject, notify_type=kind, body_format=NotifyFormat.TEXT):
            raise Unreachable("Apprise could not deliver")

    def close(self) -> None:
        """As `Channel`: nothing is kept."""
