"""The office's identity service as a file describes it: where it is, and what its claims mean here."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from console.auth.permissions import Role
from handover.toml import InvalidToml, parse_toml
from schemas.text_files import read_text

BACK = "/login/oidc/back"
_Url = Annotated[str, StringConstraints(pattern=r"^(https://[^\s?#]+|http://(127\.0\.0\.1|localhost)(:\d+)?[^\s?#]*)$")]


class InvalidOidc(ValueError):
    """A description of the identity service that cannot be used. The text says where and why."""


class Grant(BaseModel):
    """Whoever has this value in this claim is this."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    claim: str
    value: str
    role: Role
    agency: str
    prefix: Annotated[str, StringConstraints(pattern=r"^[0-9]{0,9}$")] = ""


class Oidc(BaseModel):
    """The identity service, and what its claims mean here."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    issuer: _Url
    client_id: str
    secret_file: Path
    address: _Url = Field(description="of this console, as browsers see it, without a path")
    login: str = Field(default="preferred_username", description="the claim with the duty number")
    scope: str = "openid profile"
    grants: tuple[Grant, ...] = Field(min_length=1)

    @property
    def back(self) -> str:
        """Where the identity service sends the browser back to: to be registered there."""
        return self.address.rstrip("/") + BACK


def read(path: Path) -> Oidc:
    """Read a description (TOML). Raise InvalidOidc, OSError."""
    try:
        return Oidc.model_validate(parse_toml(read_text(path)))
    except InvalidToml as error:
        raise InvalidOidc(f"{path}: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise InvalidOidc(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
