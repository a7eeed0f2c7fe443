"""Mail: text and HTML in one message, threads by alert, a Message-ID that stays the same at each attempt."""

import contextlib
import smtplib
import ssl
from collections.abc import Callable
from email.headerregistry import Address, HeaderRegistry, MessageIDHeader
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from sinks.notifications.channels.channel import Undeliverable, Unreachable
from sinks.notifications.channels.rendering import render_html, render_text
from sinks.notifications.message import Message
from sinks.notifications.policy import SmtpChannel

_SECONDS = 30.0
_HEADERS = HeaderRegistry()
for _name in (
    "references",
    "in-reply-to",
):  # else a long one is written as an encoded word, and no client finds its thread
    _HEADERS.map_to_type(_name, MessageIDHeader)  # type: ignore[arg-type]  # as the registry itself does
_POLICY = SMTP.clone(header_factory=_HEADERS)


class SmtpSender:
    """Hands mail to a server that delivers it. One connection a message: few are sent, and none goes stale."""

    def __init__(self, config: SmtpChannel, read_secret: Callable[..., str]) -> None:
        self._config, self._read_secret = config, read_secret
        self._domain = config.sender.rpartition("@")[2]

    def send(self, message: Message) -> None:
        """As `Channel`."""
        mail = self.write(message)
        try:
            server = self._connect()
        except (OSError, smtplib.SMTPException) as error:
            raise Unreachable(_describe(error)) from error
        try:
            self._hand_over(server, mail, message.address)
        finally:
            server.close()

    def _hand_over(self, server: smtplib.SMTP, mail: EmailMessage, address: str) -> None:
        """The dialogue step by step: only after the last answer is awaited may a loss of the connection mean that it has arrived."""
        is_handed_over = False
        try:
            _expect(server.mail(self._config.sender), is_channel=True)
            _expect(server.rcpt(address))
            is_handed_over = True
            _expect(server.data(mail.as_bytes()))
        except (OSError, smtplib.SMTPServerDisconnected) as error:
            raise Unreachable(_describe(error), may_have_arrived=is_handed_over) from error
        except smtplib.SMTPResponseException as error:  # DATA itself was refused
            _expect((error.smtp_code, b""))
        except smtplib.SMTPException as error:
            raise Unreachable(_describe(error)) from error
        with contextlib.suppress(OSError, smtplib.SMTPException):
            server.quit()  # the message has been taken over already

    def _connect(self) -> smtplib.SMTP:
        config = self._config
        if config.security == "tls":
            context = ssl.create_default_context(cafile=config.ca_file)
            server: smtplib.SMTP = smtplib.SMTP_SSL(config.host, config.port, timeout=_SECONDS, context=context)
        else:
            server = smtplib.SMTP(config.host, config.port, timeout=_SECONDS)
        try:
            if config.security == "starttls":
                server.starttls(context=ssl.create_default_context(cafile=config.ca_file))
            if config.user is not None and config.password_file is not None:
                server.login(config.user, self._read_secret(config.password_file))
            server.ehlo_or_helo_if_needed()
        except BaseException:
            server.close()
            raise
        return server

    def write(self, message: Message) -> EmailMessage:
        """The mail, without personal data in any header but its address."""
        mail = EmailMessage(policy=_POLICY)
        mail["Message-ID"] = f"<{message.message_id}@{self._domain}>"
        mail["Date"] = format_datetime(message.made_at)
        mail["From"] = Address(addr_spec=self._config.sender)
        mail["To"] = Address(addr_spec=message.address)
        mail["Subject"] = " ".join(message.subject.split())
        mail["Auto-Submitted"] = "auto-generated"
        if message.thread:
            mail["In-Reply-To"] = mail["References"] = f"<alert.{message.thread}@{self._domain}>"
        mail.set_content(render_text(message))
        mail.add_alternative(render_html(message), subtype="html")
        return mail

    def close(self) -> None:
        """As `Channel`: nothing is kept."""


def _expect(answer: tuple[int, bytes], *, is_channel: bool = False) -> None:
    """250, or raise: 4xx is tried again, 5xx refuses this message; a refused sender concerns all of them and is tried again."""
    code = answer[0]
    if 200 <= code < 300:
        return
    if is_channel:
        raise Unreachable(f"SMTP {code}")
    if 400 <= code < 500:
        raise Unreachable(f"SMTP {code}", is_channel=code == 421)
    raise Undeliverable(f"SMTP {code}")


def _describe(error: Exception) -> str:
    code = getattr(error, "smtp_code", None)
    return f"SMTP {code}" if code else type(error).__name__
