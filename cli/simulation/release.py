"""A release at the end of the sentence: from the prison's list to the visits of the first year."""

from __future__ import annotations

from dataclasses import dataclass

from cli.simulation import local_time
from cli.simulation.aftercare import NEEDS, follow
from cli.simulation.places import Places, Town
from cli.simulation.reported_facts import Fact, Story, label, person_ref, unpack
from cli.simulation.seeded_random import Dice, mix

HELP_DAYS = 365 * 5  # five years of help after prison


@dataclass(frozen=True, slots=True)
class Leaver:
    """Who leaves prison, when, and where to."""

    number: int
    subject: str
    town: Town
    prison: str
    key: bool
    listed: int  # day on which the prison lists the release
    release: int  # day of release


def leaver(places: Places, number: int) -> Leaver:
    """Return the person of a number: a pure function of the seed."""
    _, listed, _ = unpack(number)
    dice = Dice(places.seed, number, 1)
    lead = dice.within(38, 95) if dice.chance(0.9) else dice.within(5, 37)
    draw = mix(places.seed, number, 2)
    return Leaver(
        number,
        person_ref(places.seed, number),
        places.town(draw),
        places.prison(draw >> 32),
        dice.chance(0.09),  # 677 of 7,529 on a register are key persons
        listed,
        listed + lead,
    )


def release_story(places: Places, number: int) -> list[Fact]:
    """Return all facts of one release, in the order in which they are recorded."""
    who = leaver(places, number)
    story = Story(label(number), who.subject, Dice(places.seed, number, 3))
    _announce(story, who)
    release = _date_moves(story, who)
    town = _receive(story, places, who, release)
    _prepare(story, places, who, release)
    if story.dice.chance(0.004):
        _cancel(story, who, release)
        return story.done()
    gone = _leave(story, who, town, release)
    arrived = _arrive(story, places, who, town, gone)
    if arrived is not None:
        follow(story, places, town, arrived, key=who.key, until=who.release + HELP_DAYS)
    return story.done()


def _announce(story: Story, who: Leaver) -> None:
    dice = story.dice
    story.tell(
        dice.office(who.listed),
        who.prison,
        "release.scheduled",
        {
            "custody_episode_id": f"E-{story.label}",
            "release_kind": "EXPIRY",
            "release_date": local_time.show_day(who.release),
            "home_code": who.town.code,
            "intended_code": who.town.code,
            "key_person": who.key,
            "key_reasons": [dice.one_of({"THREE_NO": 3, "ILLNESS": 2, "MENTAL": 2, "HIGH_RISK": 3})] if who.key else [],
            "minor": dice.chance(0.01),
        },
    )


def _date_moves(story: Story, who: Leaver) -> int:
    """A commutation moves the date forward, late: the day on which the person really leaves is returned."""
    dice = story.dice
    lead = who.release - who.listed
    if lead < 20 or not dice.chance(0.04):
        return who.release
    known = who.listed + dice.within(5, lead - 12)
    new = dice.within(known + 4, who.release - 5)
    data = {"old_date": local_time.show_day(who.release), "new_date": local_time.show_day(new), "cause": "COMMUTATION"}
    data |= {"ruling_date": local_time.show_day(known - 3), "ruling_received_date": local_time.show_day(known)}
    story.tell(dice.moment(known, 9, 17), who.prison, "release.date_changed", data)
    return new


def _notice_day(story: Story, places: Places, who: Leaver, release: int) -> int | None:
    """Return the day of the notice: before the month begins, or late, or never."""
    dice, slips = story.dice, places.slips(who.prison)
    if dice.chance(0.02 * slips):
        return None
    late = dice.chance(0.12 * slips)
    day = release - dice.within(2, 27) if late else local_time.month_before(release) - dice.within(1, 8)
    return min(max(day, who.listed + dice.within(0, 2)), release - 1)


def _receive(story: Story, places: Places, who: Leaver, release: int) -> Town:
    """The prison tells the county, the county answers; a few are sent back and go to another one."""
    day = _notice_day(story, places, who, release)
    if day is None:
        return who.town
    town, dice = who.town, story.dice
    for hop in range(3):
        sent = dice.office(day)
        papers = ["RELEASE_NOTICE", "ASSESSMENT"] if dice.chance(0.8) else ["RELEASE_NOTICE"]
        story.tell(
            sent,
            who.prison,
            "release.notice_sent",
            {"to_agency": town.bureau, "documents": papers, "channel": "NETWORK", "copied_to": [town.police]},
        )
        if hop == 2 or not dice.chance(0.03):
            _answer(story, places, town, sent, release)
            return town
        back = dice.office(local_time.later(local_time.day_of(sent), dice.within(1, 3)))
        other = places.town(mix(places.seed, who.number, 20 + hop))
        data = {"reason": "NOT_OURS", "suggested_code": other.county}
        story.tell(back, town.bureau, "intake.returned", data)
        town, day = other, local_time.later(local_time.day_of(back), dice.within(1, 4))
    return town


def _answer(story: Story, places: Places, town: Town, sent: int, release: int) -> None:
    """Acknowledged, given to a township, looked into."""
    dice, slips = story.dice, places.slips(town.bureau)
    if dice.chance(0.015 * slips):
        return
    wait = dice.within(4, 11) if dice.chance(0.08 * slips) else dice.within(0, 3)
    answered = max(dice.office(local_time.later(local_time.day_of(sent), wait)), sent + local_time.HOUR)
    officer = {"officer_ref": f"O-{town.county}-{dice.within(1, 12)}"}
    story.tell(answered, town.bureau, "intake.acknowledged", {"accepted": True, **officer})
    assigned = answered + dice.within(1, 30) * local_time.HOUR
    story.tell(assigned, town.bureau, "intake.assigned", {"town_agency": town.office, **officer})
    if dice.chance(0.02 * slips):
        return
    wait = dice.within(9, 20) if dice.chance(0.07 * slips) else dice.within(2, 7)
    checked = max(dice.office(local_time.day_of(sent) + wait), assigned + local_time.HOUR)
    if local_time.day_of(checked) < release:
        result = dice.one_of({"VERIFIED": 94, "PARTIAL": 4, "ADDRESS_FALSE": 2})
        data = {"result": result, "checked_on": local_time.show_day(local_time.day_of(checked))}
        told = {**data, "family_contacted": dice.chance(0.9)}
        story.tell(checked, town.office, "intake.verification_returned", told)


def _prepare(story: Story, places: Places, who: Leaver, release: int) -> None:
    """What the prison does in the last month."""
    dice = story.dice
    assessed = max(who.listed, release - dice.within(25, 34))
    data = {"needs": [dice.one_of(NEEDS)], "assessed_on": local_time.show_day(assessed), "key_person": who.key}
    if dice.chance(0.8):
        data["risk_band"] = dice.one_of({"LOW": 6, "MID": 3, "HIGH": 1})
    story.tell(dice.moment(assessed, 9, 17), who.prison, "release.assessment_shared", data)
    if not dice.chance(0.05 * places.slips(who.prison)):
        ended = max(who.listed, release - dice.within(1, 9))
        course = {"started_on": local_time.show_day(ended - 29), "ended_on": local_time.show_day(ended)}
        told = dice.moment(ended, 15, 18)
        story.tell(told, who.prison, "release.education_completed", {**course, "hours": 60, "passed": True})
    if who.key and not dice.chance(0.06 * places.slips(who.town.bureau)):
        early = dice.within(0, 6) if dice.chance(0.12) else dice.within(8, 16)
        planned = local_time.midnight(release) + 8 * local_time.HOUR + 30 * local_time.MINUTE
        told = dice.moment(max(release - early, who.listed), 9, 12)
        story.tell(
            min(told, planned), who.town.bureau, "intake.pickup_planned", {"planned_at": local_time.show(planned)}
        )


def _cancel(story: Story, who: Leaver, release: int) -> None:
    """No release after all: everything later never happens."""
    day = story.dice.within(who.listed, release - 1)
    at = story.dice.moment(day, 18, 20)
    story.cut(at)
    cause = story.dice.one_of({"NEW_CASE": 5, "HOSPITAL": 2, "DEATH": 1, "PRISON_TRANSFER": 3, "ERROR": 2})
    story.tell(at, who.prison, "release.cancelled", {"cause": cause})


def _leave(story: Story, who: Leaver, town: Town, release: int) -> int:
    """The gate opens between nine and eleven; now and then the message was a slip of the hand and is taken back."""
    dice = story.dice
    gone = dice.moment(release, 9, 11)
    if dice.chance(0.005):
        wrong = gone - local_time.DAY
        told = {"released_at": local_time.show(wrong), "reason": "RELEASED"}
        event_id = story.tell(wrong, who.prison, "release.occurred", told, slow=2 * local_time.MINUTE)
        back = {"reverses_event_id": event_id, "cause": "MISTAKE"}
        story.tell(
            wrong + dice.within(15, 75) * local_time.MINUTE,
            who.prison,
            "release.reversed",
            back,
            slow=local_time.MINUTE,
        )
    data = {"released_at": local_time.show(gone), "reason": "RELEASED"}
    if who.key:
        data["escorted_by"] = town.office
    story.tell(gone, who.prison, "release.occurred", data, slow=5 * local_time.MINUTE)
    return gone


def _arrive(story: Story, places: Places, who: Leaver, town: Town, gone: int) -> int | None:
    """Handed over, reported, registered; a few come late, and a few never. Returns the instant of registration."""
    dice, slips = story.dice, places.slips(town.office)
    if who.key and dice.chance(0.95):
        met = gone + dice.within(10, 300) * local_time.MINUTE
        handed = {"handed_over_at": local_time.show(met), "family_present": dice.chance(0.7)}
        story.tell(met, town.office, "intake.pickup_completed", handed)
    if dice.chance(0.008 * slips):
        return None
    wait = dice.within(8, 26) if dice.chance(0.05 * slips) else dice.within(0, 6)
    came = max(dice.office(local_time.day_of(gone) + wait), gone + 3 * local_time.HOUR)
    on_time = "ON_TIME" if wait < 8 else "LATE"
    report = {"reported_at": local_time.show(came), "channel": "HAND", "report_type": on_time}
    story.tell(came, town.office, "intake.person_reported", report)
    written = max(dice.office(local_time.later(local_time.day_of(came), dice.within(0, 3))), came + local_time.HOUR)
    file = {
        "file_ref": f"F-{town.county}-{story.label}",
        "declared_on": local_time.show_day(local_time.day_of(written)),
    }
    signed = {"group_formed": True, "plan_made": True, "agreement_signed": dice.chance(0.95)}
    story.tell(written, town.office, "intake.registered", {**file, **signed})
    return written
