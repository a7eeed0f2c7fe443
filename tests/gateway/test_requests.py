"""What the gateway answers without a broker: every refusal is a problem with all its reasons."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
from httpx2 import Response

from gateway import event_log
from gateway.problems import MEDIA_TYPE
from schemas import examples
from tests.gateway.fixtures import citizen_number, event, gateway

STRUCTURED, BATCH = (
    {"content-type": "application/cloudevents+json"},
    {"content-type": "application/cloudevents-batch+json"},
)


def post(
    folder: Path, body: Any, headers: Mapping[str, str] = STRUCTURED, path: str = "/events", **more: Any
) -> Response:
    with gateway(folder, **more) as client:
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        answer: Response = client.post(path, content=content, headers=dict(headers))
    return answer


def problem(answer: Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == MEDIA_TYPE
    told: dict[str, Any] = answer.json()
    assert told["status"] == status
    return told


def reasons(told: dict[str, Any]) -> list[str]:
    return [f"{one['place']}: {one['rule']}" for one in told["errors"]]


def test_all_reasons_come_at_once(tmp_path: Path) -> None:
    body = event(
        time="yesterday", subject="somebody", source="/agencies/COUNTY_JUSTICE-990103-01", data={"accepted": 1}
    )
    told = reasons(problem(post(tmp_path, body), 422))
    assert {one.partition(":")[0] for one in told} == {"time", "subject", "data.accepted", "data.officer_ref", "source"}


def test_an_event_of_another_source_is_refused_for_its_key(tmp_path: Path) -> None:
    told = problem(post(tmp_path, event(source="/agencies/COUNTY_JUSTICE-990103-01")), 403)
    assert reasons(told) == ["source: is not the one that this key is bound to"]


@pytest.mark.parametrize(
    ("types", "status"),
    [(("intake.acknowledged",), 503), (("intake.*",), 503), (("release.*",), 403), (("intake.ack",), 403)],
)
def test_a_key_sends_its_types_only(tmp_path: Path, types: tuple[str, ...], status: int) -> None:
    problem(post(tmp_path, event(), types=types), status)


def test_what_the_source_may_never_say_is_refused(tmp_path: Path) -> None:
    body = event(type="reentry.release.cancelled.v1", data=examples.event_of("reentry.release.cancelled.v1")["data"])
    told = problem(post(tmp_path, body), 403)
    assert any("may not send release.cancelled" in one for one in reasons(told))


def test_nothing_of_a_batch_is_sent_where_one_is_wrong_and_each_is_told_by_its_place(tmp_path: Path) -> None:
    told = problem(post(tmp_path, [event(), event(id=""), event(time=None)], BATCH), 422)
    assert [one["event"] for one in told["errors"]] == [1, 2]


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[", b"[{]", b'[{"a":1} {"b":2}]', b"[]", b"[1]x", b"[" * 100_000, b"\xff[]"]
)
def test_what_is_no_batch_is_refused(tmp_path: Path, body: bytes) -> None:
    problem(post(tmp_path, body, BATCH), 400)


def test_a_name_that_stands_twice_in_an_event_of_a_batch_is_seen(tmp_path: Path) -> None:
    text = orjson.dumps(event()).replace(b'"specversion"', b'"id":"other","specversion"', 1)
    told = problem(post(tmp_path, b"[" + text + b"]", BATCH), 400)
    assert reasons(told) == ["value: an object has a name twice"]


def test_a_binary_event_is_read_from_its_headers_and_their_percents(tmp_path: Path) -> None:
    one = event()
    headers = {f"ce-{name}": value for name, value in one.items() if name not in ("data", "datacontenttype")}
    problem(post(tmp_path, one["data"], {**headers, "content-type": "application/json"}), 503)
    assert problem(post(tmp_path, one["data"], {**headers, "ce-id": "%20x"}), 422)["errors"][0]["place"] == "id"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": "application/json"},
        {"content-type": "application/cloudevents+avro"},
        {"content-type": "text/plain", "ce-id": "1"},
    ],
)
def test_another_content_type_is_refused(tmp_path: Path, headers: dict[str, str]) -> None:
    problem(post(tmp_path, event(), headers), 415)


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer x", "Basic eDp4", "Bearer rk1.0.0", "Bearer rk1.é.é"]
)
def test_without_a_known_key_nothing_is_read(tmp_path: Path, authorization: str | None) -> None:
    with gateway(tmp_path) as client:
        client.headers.pop("authorization")
        headers = {**STRUCTURED} | ({} if authorization is None else {"authorization": authorization.encode("latin-1")})
        answer = client.post("/events", content=b"no event", headers=headers)  # type: ignore[arg-type]
    problem(answer, 401)
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_key_that_is_taken_from_the_file_is_refused_from_then_on(tmp_path: Path) -> None:
    with gateway(tmp_path) as client:
        assert client.post("/events", json=event(), headers=STRUCTURED).status_code == 503
        (tmp_path / "keys.toml").write_text("# none\n", encoding="utf-8")
        assert client.post("/events", json=event(), headers=STRUCTURED).status_code == 401


def test_the_file_of_keys_holds_no_secret(tmp_path: Path) -> None:
    with gateway(tmp_path) as client:
        secret = client.headers["authorization"].rpartition(".")[2]
    assert len(secret) > 40
    assert secret not in (tmp_path / "keys.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(("sent", "status"), [(1, 503), (2, 503), (3, 429)])
def test_events_beyond_the_rate_wait(tmp_path: Path, sent: int, status: int) -> None:
    with gateway(tmp_path, rate="2/minute") as client:
        answers = [client.post("/events", json=event(), headers=STRUCTURED) for _ in range(sent)]
    problem(answers[-1], status)
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60


def test_a_batch_counts_as_its_events(tmp_path: Path) -> None:
    problem(post(tmp_path, [event(), event(), event()], BATCH, rate="2/minute"), 413)


def test_guessing_keys_is_slowed_down_and_locks_nobody_out(tmp_path: Path) -> None:
    with gateway(tmp_path) as client:
        wrong = [
            client.get("/receipts/intake-0-0", headers={"authorization": "Bearer rk1.0.0"}).status_code
            for _ in range(31)
        ]
        assert wrong == [401] * 30 + [429]
        assert client.post("/events", json=event(), headers=STRUCTURED).status_code == 503


def test_what_waits_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_log, "MOST_BYTES", 100)
    answer = post(tmp_path, event())
    assert reasons_of_text(problem(answer, 503)) == "too much waits to be written; send the same again"
    assert answer.headers["retry-after"] == "1"


def reasons_of_text(told: dict[str, Any]) -> str:
    return str(told["detail"])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/events", 405),
        ("GET", "/receipts/x", 404),
        ("GET", "/receipts/intake-0", 404),
        ("GET", "/ready", 503),
    ],
)
def test_other_addresses_answer_with_problems_too(tmp_path: Path, method: str, path: str, status: int) -> None:
    with gateway(tmp_path) as client:
        problem(client.request(method, path), status)


def test_a_number_in_an_event_is_refused_and_never_repeated(tmp_path: Path) -> None:
    number = citizen_number()
    answer = post(tmp_path, event(data={"accepted": True, "officer_ref": number}))
    problem(answer, 422)
    assert number not in answer.text


# --- refs of persons


def ask(folder: Path, body: Any) -> Response:
    return post(folder, body, {"content-type": "application/json"}, "/person-refs")


def test_a_ref_is_that_of_the_current_key_with_the_former_ones_beside_it(tmp_path: Path) -> None:
    answer = ask(tmp_path, {"id_number": citizen_number()})
    told = answer.json()
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert told["key_version"] == 2
    assert [one["key_version"] for one in told["former"]] == [1]
    assert told["former"][0]["person_ref"] != told["person_ref"]


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", {"id_number": 1}, {"id_number": ""}, {"id_number": citizen_number()[:-1] + "?"}]
)
def test_what_is_no_number_is_refused_and_not_repeated(tmp_path: Path, body: Any) -> None:
    answer = ask(tmp_path, body)
    assert answer.status_code in (400, 422)
    assert citizen_number()[:-1] not in answer.text
    assert (tmp_path / "audit.jsonl").exists() is False


def test_no_ref_is_answered_that_the_audit_does_not_hold(tmp_path: Path) -> None:
    (tmp_path / "audit.jsonl").touch()
    with gateway(tmp_path) as client:
        (tmp_path / "audit.jsonl").unlink()
        (tmp_path / "audit.jsonl").mkdir()
        problem(client.post("/person-refs", json={"id_number": citizen_number()}), 503)
