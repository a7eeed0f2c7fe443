"""What follows a release once the person has arrived: help, visits for years, and now and then a misfortune."""

from __future__ import annotations

from dataclasses import replace

from cli.simulation import local_time
from cli.simulation.places import PROVINCE, Places, Town
from cli.simulation.reported_facts import Story, reference

NEEDS = {"EMPLOYMENT": 50, "RELIEF": 18, "MEDICAL": 8, "HOUSING": 10, "PSYCH": 8, "SCHOOL": 3, "LEGAL_AID": 13}


def follow(story: Story, places: Places, town: Town, arrived: int, *, key: bool, until: int) -> None:
    """Tell everything after the registration at `arrived` (an instant), up to the end of the help (a day)."""
    _help(story, places, town, arrived)
    _visits(story, places, town, arrived, key=key, until=until)
    _merge(story, places)
    _misfortune(story, town, arrived)


def _help(story: Story, places: Places, town: Town, since: int) -> None:
    """A third are sent on for help; legal aid has two steps."""
    dice = story.dice
    if not dice.chance(0.33):
        return
    kind = dice.one_of(NEEDS)
    helper = {"LEGAL_AID": "LEGAL_AID", "RELIEF": "CIVIL", "HOUSING": "CIVIL"}.get(kind, "HRSS")
    to_agency = f"{helper}-{town.county}-01"
    named = {"referral_id": f"R-{story.label}", "kind": kind}
    asked = dice.office(local_time.day_of(since) + dice.within(1, 20))
    story.tell(asked, town.office, "intake.help_referred", {**named, "to_agency": to_agency})
    slips = places.slips(to_agency)
    if dice.chance(0.05 * slips):
        return
    late = dice.within(8, 24) if dice.chance(0.12 * slips) else dice.within(1, 6)
    answered = dice.office(local_time.day_of(asked) + late)
    declined = dice.chance(0.06)
    first = {**named, "outcome": "DECLINED" if declined else "ACCEPTED"}
    story.tell(answered, to_agency, "intake.help_answered", first)
    steps = ("ASSIGNED", "COMPLETED") if kind == "LEGAL_AID" else ("COMPLETED",)
    for outcome in () if declined else steps:
        wait = dice.within(1, 5) if outcome == "ASSIGNED" else dice.within(10, 50)
        answered = dice.office(local_time.day_of(answered) + wait)
        story.tell(answered, to_agency, "intake.help_answered", {**named, "outcome": outcome})


def _visits(story: Story, places: Places, town: Town, since: int, *, key: bool, until: int) -> None:
    """The first within a week, then monthly for key persons and quarterly for others, until the help ends."""
    dice, slips = story.dice, places.slips(town.office)
    day = local_time.day_of(since) + (dice.within(8, 20) if dice.chance(0.08 * slips) else dice.within(2, 6))
    every = 30 if key else 91
    while day < until:
        at = dice.office(day)
        met = {"visited_on": local_time.show_day(local_time.day_of(at)), "met_person": dice.chance(0.95)}
        story.tell(at, town.office, "intake.visit_done", met, slow=2 * local_time.HOUR)
        late = dice.within(8, 30) if dice.chance(0.05 * slips) else dice.within(-6, 4)
        day = local_time.day_of(at) + every + late
    story.tell(dice.office(until), town.bureau, "intake.closed", {"cause": "HELP_END"})


def _misfortune(story: Story, town: Town, since: int) -> None:
    """Death, detention, a new offence: rare, and each stops something."""
    dice, day = story.dice, local_time.day_of(since) + story.dice.within(5, 700)
    fate = dice.random()
    at = dice.moment(day, 8, 22)
    if fate < 0.01:
        story.cut(at)
        story.tell(at, town.police, "intake.death_notified", {"on": local_time.show_day(day)})
    elif fate < 0.03:
        held = {"status": "DETAINED", "since": local_time.show(at), "organ": "POLICE"}
        story.tell(at, town.police, "intake.custody_notified", held, slow=2 * local_time.HOUR)
        if dice.chance(0.4):
            offence = {"offence_on": local_time.show_day(day - 2), "confirmed": dice.chance(0.5)}
            story.tell(dice.office(day + 3), town.bureau, "intake.reoffence_recorded", offence)
        free = at + dice.within(3, 60) * local_time.DAY
        data = {"status": "RELEASED", "since": local_time.show(free), "organ": "POLICE"}
        story.tell(free, town.police, "intake.custody_notified", data, slow=2 * local_time.HOUR)


def _merge(story: Story, places: Places) -> None:
    """One in five hundred is first registered under a second reference; the province joins the two."""
    dice = story.dice
    if not dice.chance(0.002):
        return
    other = reference(places.seed, "p1", f"twin {story.label}")
    moved = {"intake.person_reported", "intake.registered"}
    story.facts = [replace(fact, subject=other) if fact.name in moved else fact for fact in story.facts]
    last = max(fact.told for fact in story.facts if fact.name in moved)
    data = {"survivor_ref": story.subject, "removed_ref": other, "cause": "SAME_PERSON"}
    story.tell(dice.office(local_time.day_of(last) + 2), PROVINCE, "release.person_merged", data)
