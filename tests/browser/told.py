"""What the browser tests tell a living pipeline: a release whose notice has not been answered."""

from datetime import datetime, timedelta

import orjson

from schemas.instants import CHINA
from schemas.topics import ACTION
from tests.browser.conftest import Living, Visit
from tests.conditions import until
from tests.handover.histories import arriving, notice, scheduled

RULE = "A02"
_TOLD_DAYS = 30  # more than three working days ago, whatever holidays lie between


def day(days: int) -> str:
    """A day from now, as histories spell it."""
    return f"{datetime.now(CHINA) + timedelta(days=days):%Y-%m-%d %H:%M}"


def release(living: Living, person: str) -> None:
    """A prison says when a person will be released, and that it told the county a month ago: the answer is late."""
    told = (
        scheduled(day(-_TOLD_DAYS - 10), day(60)[:10], subject=person, id=f"s-{person}"),
        notice(day(-_TOLD_DAYS), subject=person, id=f"n-{person}"),
    )
    living.running.publish(arriving(*told))


def alert_of(living: Living, visit: Visit, person: str) -> str:
    """The id of the alert on the missing answer, once the console shows it."""
    release(living, person)
    page = visit(living.url, "county", f"/today?q={person}&rule={RULE}")

    def shown() -> bool:
        page.reload()
        return page.locator("tr.d").count() > 0

    until(shown, 60, every=0.5)
    found = page.locator("tr.d").first.get_attribute("data-id")
    page.close()
    assert found
    return found


def published(living: Living, alert_id: str) -> list[str]:
    """The types of all actions on an alert that stand on the topic, in order."""
    found = [orjson.loads(value) for value in living.running.values(ACTION)]
    return [one["type"].split(".")[2] for one in found if one["data"].get("alert_id") == alert_id]
