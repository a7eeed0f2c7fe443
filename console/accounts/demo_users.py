"""The users of a demonstration, one for each role, in the made-up city 9901. Made only where a demo is asked for."""

from typing import NamedTuple

from sqlalchemy import Engine

from console.auth.users import InvalidUser, create

DEMO_PASSWORD = "demo-handover"  # noqa: S105 shown on the login page of the demo, and of no other


class DemoUser(NamedTuple):
    """A user as `create` wants one."""

    login: str
    role: str
    agency: str
    prefix: str


DEMO_USERS = (
    DemoUser("town", "township", "TOWN_JUSTICE-990102001-01", "990102001"),
    DemoUser("county", "county", "COUNTY_JUSTICE-990102-01", "990102"),
    DemoUser("city", "city", "CITY_JUSTICE-990100-01", "9901"),
    DemoUser("province", "province", "PROVINCE_JUSTICE-990000-01", "99"),
    DemoUser("prison", "prison", "PRISON-990100-01", ""),
    DemoUser("procurator", "procurator", "PROCURATORATE-990100-01", "9901"),
    DemoUser("platform", "platform", "PLATFORM", ""),
    DemoUser("rules-1", "rules", "PROVINCE_JUSTICE-990000-01", ""),
    DemoUser("rules-2", "rules", "PROVINCE_JUSTICE-990000-01", ""),
    DemoUser("auditor", "auditor", "PROVINCE_JUSTICE-990000-01", ""),
)


def make_demo_users(engine: Engine) -> None:
    """Make those that are not there yet."""
    for one in DEMO_USERS:
        try:
            create(engine, one.login, DEMO_PASSWORD, one.role, one.agency, one.prefix)
        except InvalidUser:
            continue
