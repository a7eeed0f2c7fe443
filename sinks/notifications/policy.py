"""What an installation decides about notices: hours, channels, who is told of what cannot be delivered. A TOML file."""

import re
from datetime import time
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from handover.rules.rulebook import Severity
from handover.toml import InvalidToml, parse_toml
from schemas.text_files import read_text

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")
MAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_LOOPBACK = r"127\.0\.0\.1|localhost|\[::1\]"
_URL = rf"^(https://[^\s/?#@]+|http://({_LOOPBACK})(:\d+)?)(/[^\s#]*)?$"
_SITE = rf"^(https://[^\s/?#@]+|http://({_LOOPBACK})(:\d+)?)$"


class InvalidPolicy(ValueError):
    """A policy of notices that cannot be used: one line for each error, which says where, what, and what is allowed."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        super().__init__("; ".join(lines))


def _read_clock(value: object) -> object:
    match = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('must be a time of day like "08:30"')
    return time(int(match[1]), int(match[2]))


def _check_mail(value: str) -> str:
    if not MAIL.fullmatch(value):
        raise ValueError("must be one mail address without a name")
    return value


Clock = Annotated[time, BeforeValidator(_read_clock)]
Mail = Annotated[str, AfterValidator(_check_mail)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,32}$")]
Host = Annotated[str, Field(pattern=r"^[A-Za-z0-9.:-]{1,253}$")]
Url = Annotated[str, Field(pattern=_URL, description="https, or http on this machine")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class _Channel(_Part):
    per_minute: int = Field(60, ge=1, le=10_000, description="Messages a minute at most.")


class SmtpChannel(_Channel):
    """Mail through a server that accepts it for delivery."""

    kind: Literal["smtp"]
    host: Host
    port: int = Field(587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    ca_file: Path | None = None
    user: str | None = None
    password_file: Path | None = None
    sender: Mail

    @model_validator(mode="after")
    def _check_login(self) -> "SmtpChannel":
        if (self.user is None) != (self.password_file is None):
            raise ValueError("user and password_file belong together")
        if self.user is not None and self.security == "none":
            raise ValueError('a password is never sent in the clear: set security to "starttls" or "tls"')
        return self


class WebhookChannel(_Channel):
    """CloudEvents as JSON, signed as Standard Webhooks say. `secret_file` holds whsec_…"""

    kind: Literal["webhook"]
    url: Url
    secret_file: Path
    ca_file: Path | None = None


class AlertmanagerChannel(_Channel):
    """The body that Alertmanager posts to its webhooks, version 4. `token_file`: sent as a bearer token."""

    kind: Literal["alertmanager"]
    url: Url
    token_file: Path | None = None
    ca_file: Path | None = None


class AppriseChannel(_Channel):
    """WeCom, DingTalk, Feishu and others by Apprise. `url_file` holds one Apprise address, which is a secret."""

    kind: Literal["apprise"]
    url_file: Path


Channel = Annotated[SmtpChannel | WebhookChannel | AlertmanagerChannel | AppriseChannel, Field(discriminator="kind")]


class Operator(_Part):
    """Who is told of what cannot be delivered, and of offices where nobody is on duty."""

    recipient: Name
    channel: Name
    address: str = Field("", max_length=254)
    language: Language = "zh"


class Policy(_Part):
    """All of it. `console_url`: what links begin with. Times of day are local (+08:00)."""

    console_url: Annotated[str, Field(pattern=_SITE)]
    digest_at: Clock = time(8, 30)
    digest_until: Clock = time(18, 0)
    at_once: frozenset[Severity] = frozenset(("CRIT",))
    bundle_above: int = Field(
        10, ge=1, le=1_000, description="More urgent notices to one recipient become one message."
    )
    weeks_ahead: bool = Field(True, description="Whether each county is sent its list of releases once a week.")
    catch_up_minutes: int = Field(
        15,
        ge=1,
        le=1_440,
        description="How long a new alert waits for workers that are behind before it is told all the same.",
    )
    retry_seconds: int = Field(
        30,
        ge=1,
        le=3_600,
        description="Wait before a message is tried again; twice as long each time, half an hour at most.",
    )
    give_up_hours: int = Field(24, ge=1, le=720, description="How long a message is tried again.")
    keep_days: int = Field(400, ge=31, le=3_660, description="How long messages and ended notices are kept.")
    channels: dict[Name, Channel] = Field(min_length=1)
    operators: tuple[Operator, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _check_together(self) -> "Policy":
        if self.digest_at >= self.digest_until:
            raise ValueError("digest_until must be later than digest_at")
        for number, one in enumerate(self.operators, start=1):
            problem = self.find_address_problem(one.channel, one.address)
            if problem:
                raise ValueError(f"operators, entry {number}: {problem}")
        return self

    def find_address_problem(self, channel: str, address: str) -> str:
        """Why an address cannot be used on a channel; empty where it can."""
        known = self.channels.get(channel)
        if known is None:
            return f"no channel is called {channel}; known are {', '.join(sorted(self.channels))}"
        if known.kind == "smtp":
            return "" if MAIL.fullmatch(address) else "address must be one mail address without a name"
        return f"a channel of kind {known.kind} takes no address: its file or url says where to" if address else ""


def read_policy(text: str) -> Policy:
    """Read and check. Raise InvalidPolicy with every error that was found."""
    try:
        return Policy.model_validate(parse_toml(text))
    except InvalidToml as error:
        raise InvalidPolicy([f"no TOML: {error}"]) from None
    except ValidationError as error:
        raise InvalidPolicy([_describe(one) for one in error.errors(include_url=False, include_input=False)]) from None


def load_policy(path: Path) -> Policy:
    """Read a file. Raise InvalidPolicy, OSError."""
    try:
        return read_policy(read_text(path))
    except UnicodeDecodeError:
        raise InvalidPolicy(["not UTF-8 text: save it as UTF-8"]) from None


_KINDS = ("smtp", "webhook", "alertmanager", "apprise")


def _describe(error: Any) -> str:
    """`channels.mail.port: Input should be …`: where, what is allowed; never the value."""
    loc = [str(one) for one in error["loc"]]
    if len(loc) > 2 and loc[0] == "channels" and loc[2] in _KINDS:
        del loc[2]  # the kind that pydantic tried, no key of the file
    allowed = error.get("ctx", {}).get("pattern", "")
    text = {
        "extra_forbidden": "unknown key; remove it or correct its spelling",
        "missing": "is needed",
        "string_pattern_mismatch": "must be an address that begins with https:// (http:// on this machine only)"
        if allowed in (_URL, _SITE)
        else "may have letters, digits, '.', '_' and '-' only",
        "union_tag_invalid": f"kind must be one of {', '.join(_KINDS)}",
        "union_tag_not_found": f"kind is needed: one of {', '.join(_KINDS)}",
    }.get(error["type"], error["msg"].removeprefix("Value error, "))
    return f"{'.'.join(loc)}: {text}" if loc else text
