"""What all answers of the API share: refusals, and how far alerts are processed."""

from datetime import datetime
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from console.web.request import Visitor
from console.web.site import Site

PREFIX = "/api/v1"
ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"description": "The request cannot be read, or the token is missing."},
    401: {"description": "Nobody is logged in."},
    403: {"description": "The role lacks this."},
    404: {"description": "There is no such thing in your scope."},
    409: {"description": "It has ended, or somebody acted first."},
    422: {"description": "A value is wrong; `errors` says which."},
    503: {"description": "Kafka or the database is away."},
}


class WithDataTime(BaseModel):
    """How far alerts are processed: after that instant nothing has been judged."""

    processed_until: datetime | None = Field(description="null: none has been processed yet")
    is_late: bool = Field(description="that is too long ago: what is missing here means nothing")


def data_time_fields(site: Site) -> dict[str, Any]:
    """The values of `WithDataTime`."""
    found = site.data_time()
    return {"processed_until": found.processed_until, "is_late": found.is_late}


class Problem(Exception):
    """A request of the API that is refused: a status, and what is wrong by field."""

    def __init__(self, status: int, errors: dict[str, str]) -> None:
        super().__init__(", ".join(errors))
        self.status, self.errors = status, errors


def check_kafka(request: Request, visitor: Visitor) -> None:
    """Raise Problem while Kafka does not answer."""
    away = request.app.state.publisher.away_since
    if away is not None:
        raise Problem(503, {"kafka": visitor.words.t("problem.kafka.what", since=visitor.words.at(away))})


async def answer_problem(request: Request, error: Exception) -> Response:
    """The answer to a Problem, and to a body that is not as the schema says: never what was sent."""
    if isinstance(error, RequestValidationError):
        errors = {".".join(map(str, one["loc"])): one["msg"] for one in error.errors()}
        return JSONResponse({"errors": errors}, 422)
    assert isinstance(error, Problem)
    return JSONResponse({"errors": error.errors}, error.status)
