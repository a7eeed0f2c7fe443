import copy
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest

from schemas.export.compatibility import breaks
from schemas.export.export import COMMITTED, documents, read

ROOT = Path(__file__).parents[2]
NOTICE, PLAN, ALERT = (
    f"reentry.{name}.v1.json" for name in ("release.notice_sent", "checkin.plan_set", "alert.changed")
)
Documents = dict[str, dict[str, Any]]


def git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()


def last_released() -> Mapping[str, dict[str, Any]]:
    """The exported files of the last tag; before there is one, those of the working tree."""
    tag = git("describe", "--tags", "--abbrev=0")
    names = git("ls-tree", "--name-only", tag, "schemas/exported/").splitlines() if tag else []
    return {Path(name).name: orjson.loads(git("show", f"{tag}:{name}")) for name in names} or read(COMMITTED)


def test_nothing_that_was_released_is_broken() -> None:
    assert breaks(last_released(), documents()) == []


def test_nothing_that_is_committed_is_broken() -> None:
    assert breaks(read(COMMITTED), documents()) == []


def data(found: Documents, name: str = NOTICE) -> Any:
    return found[name]["properties"]["data"]


def wider(found: Documents) -> None:
    data(found)["properties"]["urgent"] = {"type": "boolean"}
    data(found)["properties"]["channel"]["enum"].append("PIGEON")
    data(found)["required"].remove("channel")
    data(found)["properties"]["to_agency"].pop("pattern")
    found["reentry.release.new_fact.v1.json"] = found[NOTICE]


def test_adding_is_no_break() -> None:
    new = copy.deepcopy(dict(documents()))
    wider(new)
    assert breaks(documents(), new) == []


CHANGES: dict[str, tuple[Callable[[Documents], object], str]] = {
    "a type that is gone": (lambda new: new.pop(NOTICE), f"{NOTICE}: is gone"),
    "a new required field": (lambda new: data(new)["required"].append("urgent"), "data.urgent: became required"),
    "an optional field that is required now": (
        lambda new: data(new)["required"].append("copied_to"),
        "became required",
    ),
    "a new required attribute": (lambda new: new[NOTICE]["required"].append("sequence"), "sequence: became required"),
    "a field that is gone": (lambda new: data(new)["properties"].pop("documents"), "data.documents: is gone"),
    "a code that is gone": (lambda new: data(new)["properties"]["channel"]["enum"].remove("POST"), "code POST is gone"),
    "a text that became a list of codes": (
        lambda new: data(new)["properties"]["documents"]["items"].update(enum=["JUDGMENT"]),
        "only listed codes",
    ),
    "another type": (lambda new: data(new)["properties"]["channel"].update(type="integer"), "type string is no longer"),
    "a field that may no longer be null": (
        lambda new: data(new)["properties"].update(copied_to=data(new)["properties"]["copied_to"]["anyOf"][0]),
        "copied_to: type null is no longer",
    ),
    "another form": (lambda new: data(new)["properties"]["to_agency"].update(pattern="^X$"), "pattern changed"),
    "a new format": (lambda new: data(new)["properties"]["channel"].update(format="date"), "format changed"),
    "a shorter text": (
        lambda new: data(new)["properties"]["documents"]["items"].update(maxLength=10),
        "documents.items: maxLength is narrower",
    ),
    "a narrower inner object": (
        lambda new: new[PLAN]["$defs"]["PlanItem"]["properties"]["cadence"]["enum"].remove("DAILY"),
        "items.cadence: code DAILY is gone",
    ),
    "unknown fields that are refused": (
        lambda new: data(new).update(additionalProperties=False),
        "additionalProperties: is no longer allowed",
    ),
    "an alert's field that may be absent": (
        lambda new: data(new, ALERT)["required"].remove("due_at"),
        "data.due_at: may now be absent",
    ),
    "a channel that is gone": (lambda new: new["asyncapi.json"]["channels"].pop("case"), "channels.case is gone"),
    "a channel at another topic": (
        lambda new: new["asyncapi.json"]["channels"]["case"].update(address="reentry.case.v2"),
        "another address",
    ),
    "an operation that is gone": (
        lambda new: new["asyncapi.json"]["operations"].pop("send_alert"),
        "send_alert is gone",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_break_is_told_by_its_place(name: str) -> None:
    change, expected = CHANGES[name]
    new = copy.deepcopy(dict(documents()))
    change(new)
    told = breaks(documents(), new)
    assert len(told) == 1
    assert expected in told[0]


def test_an_integer_may_become_any_number_but_not_the_other_way() -> None:
    whole, decimal = ({"a.json": {"properties": {"n": {"type": kind}}}} for kind in ("integer", "number"))
    assert breaks(whole, decimal) == []
    assert breaks(decimal, whole) == ["a.json.n: type number is no longer allowed"]
