"""A dispute: found, taken up, talked over, nearly always solved; one in eighty involves a person under a handover."""

from __future__ import annotations

from cli.simulation import local_time
from cli.simulation.new_lives import births
from cli.simulation.places import Places, Town
from cli.simulation.reported_facts import RELEASE, Fact, Story, label, pack, person_ref, reference, unpack
from cli.simulation.seeded_random import Dice

KINDS = {"NEIGHBOUR": 28, "FAMILY": 22, "LAND": 12, "LABOUR": 10, "DEBT": 14, "INJURY": 6, "OTHER": 8}


def dispute_story(places: Places, number: int) -> list[Fact]:
    """Return all facts of one dispute."""
    _, day, _ = unpack(number)
    dice = Dice(places.seed, number, 1)
    town = places.town(dice.getrandbits(48))
    subject = reference(places.seed, "d1", label(number))
    story = Story(label(number), subject, dice)
    slips = places.slips(town.mediation)
    level = dice.one_of({"VILLAGE": 70, "TOWN": 25, "COUNTY": 5})
    found = dice.moment(day, 8, 20)
    person_refs = _someone(places, dice, day) if dice.chance(0.0125) else []
    data = {"kind": dice.one_of(KINDS), "level": level, "place_code": town.code, "person_refs": person_refs}
    data |= {"found_by": dice.one_of({"SCREENING": 5, "APPLICATION": 4, "REFERRAL": 1}), "sum_band": "LT_10K"}
    story.tell(found, town.mediation, "dispute.reported", data)
    if dice.chance(0.006 * slips):
        return story.done()
    wait = dice.within(4, 9) if dice.chance(0.06 * slips) else dice.within(0, 2)
    taken = max(dice.moment(day + wait, 8.5, 18), found + local_time.HOUR)
    mediator = {"committee": town.mediation, "mediator_ref": f"M-{town.code}-{dice.within(1, 5)}"}
    story.tell(taken, town.mediation, "dispute.accepted", mediator)
    _risk(story, town, taken)
    _sessions(story, town, slips, level, taken)
    return story.done()


def _someone(places: Places, dice: Dice, day: int) -> list[str]:
    """Return a person who was listed for release some months before, if one was."""
    listed = local_time.later(day - dice.within(60, 240), 0)
    count = births(places, RELEASE, listed)
    return [person_ref(places.seed, pack(RELEASE, listed, dice.within(0, count - 1)))] if count else []


def _risk(story: Story, town: Town, taken: int) -> None:
    dice = story.dice
    if not dice.chance(0.015):
        return
    seen = taken + dice.within(2, 60) * local_time.HOUR
    told = dice.chance(0.6)
    story.tell(seen, town.mediation, "dispute.risk_flagged", {"police_told": told}, slow=5 * local_time.MINUTE)
    if not told:
        late = seen + dice.within(20, 300) * local_time.MINUTE
        story.tell(late, town.mediation, "dispute.risk_flagged", {"police_told": True}, slow=5 * local_time.MINUTE)


def _sessions(story: Story, town: Town, slips: float, level: str, taken: int) -> None:
    dice, at = story.dice, taken
    for session in range(1, dice.within(2, 4)):
        wait = dice.within(11, 22) if dice.chance(0.06 * slips) else dice.within(1, 8)
        at = dice.moment(local_time.day_of(at) + wait, 8.5, 18)
        held: dict[str, object] = {"session_no": session}
        if session == 3:
            held["extension_agreed"] = True
        story.tell(at, town.mediation, "dispute.mediated", held)
    if level == "VILLAGE" and dice.chance(0.05):
        at += dice.within(2, 40) * local_time.HOUR
        up = {"from_level": "VILLAGE", "to_level": "TOWN", "police_told": False}
        story.tell(at, town.mediation, "dispute.escalated", up)
    _outcome(story, town, slips, local_time.day_of(at) + dice.within(1, 7))


def _outcome(story: Story, town: Town, slips: float, day: int) -> None:
    """11,800 of 12,000 are solved; an agreement is looked after, some are confirmed by the court."""
    dice = story.dice
    at = dice.moment(day, 8.5, 18)
    end = dice.one_of({"agreed": 98.3, "failed": 0.9, "withdrawn": 0.4, "referred": 0.4})
    if end == "failed":
        story.tell(at, town.mediation, "dispute.failed", {"cause": "NO_AGREEMENT", "told_other_routes": True})
    elif end == "withdrawn":
        story.tell(at, town.mediation, "dispute.withdrawn", {"told_other_routes": True})
    elif end == "referred":
        story.tell(at, town.mediation, "dispute.referred", {"to": "COURT", "told_other_routes": True})
    else:
        _agreement(story, town, slips, day, at)


def _agreement(story: Story, town: Town, slips: float, day: int, at: int) -> None:
    dice, written = story.dice, story.dice.chance(0.35)
    data: dict[str, object] = {"written": written}
    perform_by = day + dice.within(5, 25)
    if written:
        data["perform_by"] = local_time.show_day(perform_by)
    story.tell(at, town.mediation, "dispute.agreed", data)
    late = dice.within(2, 12) if dice.chance(0.06 * slips) else -dice.within(0, 4)
    done = dice.moment(perform_by + late, 9, 17)
    if written and dice.chance(0.3):
        ruled = dice.moment(day + dice.within(6, 28), 9, 17)
        story.tell(
            ruled,
            town.court,
            "dispute.confirmed_by_court",
            {"confirmed_on": local_time.show_day(local_time.day_of(ruled))},
        )
    if written or dice.chance(0.5):
        story.tell(
            done, town.mediation, "dispute.performed", {"performed_on": local_time.show_day(local_time.day_of(done))}
        )
    if dice.chance(0.4):
        asked = done + dice.within(1, 9) * local_time.DAY
        data = {"followed_up_on": local_time.show_day(local_time.day_of(asked)), "satisfied": dice.chance(0.93)}
        story.tell(asked, town.mediation, "dispute.followed_up", data)
