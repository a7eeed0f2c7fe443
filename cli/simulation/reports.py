"""Check-ins by plan and location checks three times a day: the bulk of all facts, each computed from its number."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from cli.simulation import local_time
from cli.simulation.places import Places
from cli.simulation.reported_facts import CORRECTION, Fact, as_kind, label
from cli.simulation.seeded_random import mix
from cli.simulation.supervisee import REVIEW, Ward, ward

_LENGTH = {"WEEKLY": 7, "FORTNIGHTLY": 14, "MONTHLY": 28}  # of the part of a window in which people come
_WINDOWS = ((7, 9), (11.5, 13.5), (19, 21))  # of the location checks, in hours
_MISSED = 0.025  # share of check-ins that nobody makes


def plan_dates(who: Ward, opening: int) -> list[int]:
    """Return the first days of the plans that run at or after the opening."""
    dates = list(range(who.first, who.last + 1, REVIEW))
    running = [day for day in dates if day < opening]
    dates = [day for day in dates if day >= opening]
    return ([opening] if running and opening <= who.last else []) + dates


def plan_items(who: Ward, since: int) -> tuple[str, list[dict[str, str]]]:
    """Return class and items of the plan that begins on a day."""
    grade = "STRICT" if who.strict else "INITIAL" if since < who.first + REVIEW else "ORDINARY"
    items = {"CALL": "WEEKLY", "THOUGHT_REPORT": "MONTHLY", "SERVICE": "MONTHLY"}
    if grade == "STRICT":
        items = {"REPORT": "WEEKLY", "CALL": "WEEKLY", "LEARNING": "FORTNIGHTLY"}
    elif grade == "INITIAL":
        items = {"CALL": "WEEKLY", "THOUGHT_REPORT": "FORTNIGHTLY", "LEARNING": "MONTHLY"}
    return grade, [{"kind": kind, "cadence": cadence} for kind, cadence in items.items()]


def _visits(places: Places, who: Ward, opening: int, from_day: int) -> Iterator[tuple[int, str, int]]:
    """Yield instant, kind and draw of every check-in of the plans that run on or after a day, plan by plan."""
    for since, until in pairwise([*plan_dates(who, opening), who.last + 1]):
        if until <= from_day:
            continue
        for nth, item in enumerate(plan_items(who, since)[1]):
            length = _LENGTH[item["cadence"]]
            step = 30 if length == 28 else length  # a monthly window drifts by at most a day in the 90 days of a plan
            for k, first in enumerate(range(since, until, step)):
                draw = mix(places.seed, who.number, since, nth, k)
                day = first + (draw & 0xFF) % (length - 1)
                second = 8 * 3600 + 1800 + (draw >> 8 & 0xFFFFFF) % (9 * 3600)
                if day < until:
                    yield local_time.midnight(day) + second * local_time.SECOND, item["kind"], draw


def reports_of(places: Places, number: int, opening: int, since: int, until: int) -> tuple[list[Fact], int | None]:
    """Return the check-ins recorded in [since, until) and the instant of the next one."""
    who = ward(places, as_kind(number, CORRECTION))
    if who.arrives is None:
        return [], None
    facts: list[Fact] = []
    after: int | None = None
    for at, kind, draw in _visits(places, who, opening, local_time.day_of(since)):
        if at >= until:
            if after is not None and at > after + REVIEW * local_time.DAY:
                break  # a later plan holds nothing that comes sooner
            after = at if after is None else min(after, at)
        elif at >= since and not who.trouble_at(at):
            town = who.town_on(local_time.day_of(at))
            if (draw >> 40) / 2**24 >= _MISSED * places.slips(town.office):
                facts.append(_checkin(number, who, town.office, kind, at, draw))
            elif draw & 3 == 0:
                facts.append(_excuse(number, who, town.office, kind, at))
    return facts, after


def _checkin(number: int, who: Ward, office: str, kind: str, at: int, draw: int) -> Fact:
    told = at + (draw >> 20) % 1200 * local_time.SECOND
    verified = "VOICE" if kind == "CALL" else ("FACE", "OFFICER")[draw >> 33 & 1]
    data = {"kind": kind, "at": local_time.show(at), "verified_by": verified}
    event_id = f"{label(number)}-{kind[:2]}{at // local_time.SECOND}"
    return Fact(told, event_id, at, "checkin.completed", who.subject, office, data)


def _excuse(number: int, who: Ward, office: str, kind: str, at: int) -> Fact:
    day = local_time.show_day(local_time.day_of(at))
    data = {"kind": kind, "from": day, "until": day, "reason_code": "ILLNESS"}
    return Fact(at, f"{label(number)}-X{at // local_time.SECOND}", at, "checkin.excused", who.subject, office, data)


def rounds_of(places: Places, number: int, since: int, until: int) -> tuple[list[Fact], int | None]:
    """Return the location checks recorded in [since, until) and the instant of the next one."""
    who = ward(places, as_kind(number, CORRECTION))
    if who.arrives is None:
        return [], None
    facts = []
    check = _next_check(places, who, since)
    while check is not None and check[0] < until:
        facts.append(_check(places, number, who, *check))
        check = _next_check(places, who, check[0] + local_time.SECOND)
    return facts, check[0] if check else None


def _next_check(places: Places, who: Ward, since: int) -> tuple[int, bool] | None:
    """Return the first check from an instant on, and whether it is a second look, twenty minutes after a suspicion."""
    day = max(local_time.day_of(since), who.first)
    while day <= who.last:
        for nth, (first, last) in enumerate(_WINDOWS):
            draw = mix(places.seed, who.number, day, nth, 7)
            at = (
                local_time.midnight(day)
                + int((first + (last - first) * (draw & 0xFFFF) / 65536) * 3600) * local_time.SECOND
            )
            if at >= since:
                return at, False
            again = at + 20 * local_time.MINUTE
            if again >= since and (who.trouble_at(at) == "OUT" or _noise(places, who, at)):
                return again, True
        day += 1
    return None


def _noise(places: Places, who: Ward, at: int) -> str:
    """Return what the device says though nothing is wrong; 99 % of all alarms are such."""
    draw = mix(places.seed, who.number, at, 8) % 1000
    return "NO_FIX" if draw < 12 else "OUT_OF_AREA" if draw < 15 else ""


def _check(places: Places, number: int, who: Ward, at: int, again: bool) -> Fact:
    draw = mix(places.seed, who.number, at)
    town = who.town_on(local_time.day_of(at))
    trouble = who.trouble_at(at)
    if trouble in ("LOST", "CUSTODY"):
        result = ("NO_FIX", "DEVICE_OFF", "SEPARATED")[draw % 3]
    elif trouble in ("OUT", "LEAVE"):
        result = "OUT_OF_AREA"
    else:
        result = "IN_AREA" if again else _noise(places, who, at) or "IN_AREA"
    data = {"result": result, "checked_at": local_time.show(at)}
    if result in ("IN_AREA", "OUT_OF_AREA"):
        data["area_code"] = town.county
    told = at + (draw >> 30) % 20 * local_time.SECOND
    event_id = f"{label(number)}-{at // local_time.SECOND}"
    return Fact(told, event_id, at, "checkin.location_checked", who.subject, town.location, data)
