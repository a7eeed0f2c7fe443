"""The API against its own OpenAPI: what schemathesis makes of it, right and wrong, is answered as it promises."""

from typing import Any

import hypothesis
import pytest
import schemathesis
from httpx2 import Response
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from requests import Request
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from sqlalchemy import Engine, select

from console.app import create_app
from console.web.config import ConsoleConfig
from sinks.readmodel.tables import handover
from tests.console.conftest import NOWHERE, Browser, OpenConsole, firing

pytestmark = pytest.mark.slow
EXAMPLES = 15  # of each kind for each operation
HOST = "http://console.test"
SCHEMA = schemathesis.openapi.from_dict(create_app(ConsoleConfig("sqlite:///never-opened.sqlite", NOWHERE)).openapi())
FOUND = list(SCHEMA.get_all_operations())
OPERATIONS = [one.ok() for one in FOUND if isinstance(one, Ok)]
CAN_BE_WRONG = [one for one in OPERATIONS if len(one.body) or one.path == "/api/v1/audit"]  # others take any text
CHECKS = [
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]
SETTINGS = hypothesis.settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def ask(browser: Browser, case: Any, headers: dict[str, str]) -> Response:
    """The answer to a case, sent as it is over the application in this process."""
    sent = Request(**case.as_transport_kwargs(base_url=HOST, headers=headers)).prepare()
    kept = {name: str(value) for name, value in sent.headers.items() if name.lower() != "content-length"}
    body = sent.body if isinstance(sent.body, bytes | str) else b""
    return browser.client.request(sent.method or "", sent.url or "", headers=kept, content=body, follow_redirects=False)


def token_of(browser: Browser) -> dict[str, str]:
    return {"X-CSRF-Token": browser.client.get("/api/v1/me").json()["csrf"]}


def checked(case: Any, response: Response, *more: Any) -> None:
    """It is as the document says; 5xx only where Kafka is away, which it is."""
    assert response.status_code < 500 or "kafka" in response.json()["errors"], response.text
    case.validate_response(response, checks=[*CHECKS, *more])


def test_every_operation_of_the_document_can_be_asked() -> None:
    assert len(OPERATIONS) == len(FOUND) >= 8


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.label)
def test_what_fits_the_document_is_answered_as_it_says(console: OpenConsole, engine: Engine, operation: Any) -> None:
    browsers = [console(login) for login in ("county", "auditor")]
    tokens = [token_of(one) for one in browsers]
    alert_id = firing(engine, "990102", rule="B08")
    with engine.connect() as connection:
        person = connection.execute(
            select(handover.c.subject).where(handover.c.jurisdiction.startswith("990102")).limit(1)
        ).scalar_one()
    real = {"alert_id": alert_id, "person_ref": person}
    seen = set()

    @SETTINGS
    @hypothesis.given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE), there=st.booleans())
    def judge(case: Any, there: bool) -> None:
        if there:
            case.path_parameters = {name: real.get(name, value) for name, value in (case.path_parameters or {}).items()}
        for browser, token in zip(browsers, tokens, strict=True):
            response = ask(browser, case, token)
            seen.add(response.status_code)
            checked(case, response)

    judge()
    assert seen - {404, 422}


@pytest.mark.parametrize("operation", CAN_BE_WRONG, ids=lambda one: one.label)
def test_what_does_not_fit_is_refused(console: OpenConsole, operation: Any) -> None:
    browser = console("county")
    token = token_of(browser)

    @SETTINGS
    @hypothesis.given(case=operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
    def judge(case: Any) -> None:
        checked(case, ask(browser, case, token), negative_data_rejection)

    judge()


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.label)
def test_nobody_is_asked_to_log_in(console: OpenConsole, operation: Any) -> None:
    browser = console()

    @SETTINGS
    @hypothesis.given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
    def judge(case: Any) -> None:
        response = ask(browser, case, {})
        assert response.status_code == 401, response.text
        checked(case, response)

    judge()
