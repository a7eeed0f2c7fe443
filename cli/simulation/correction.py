"""Community corrections: the decision, its papers, the first report, the register, and what happens until the end."""

from __future__ import annotations

from typing import Any

from cli.simulation import local_time
from cli.simulation.places import PRISON_ADMIN, Places, Town
from cli.simulation.reported_facts import Fact, Story, label
from cli.simulation.reports import plan_dates, plan_items
from cli.simulation.seeded_random import Dice
from cli.simulation.supervisee import Trouble, Ward, ward


def correction_story(places: Places, number: int, opening: int) -> list[Fact]:
    """Return all facts of one term but check-ins and location checks. `opening`: day on which the register is told."""
    who = ward(places, number)
    story = Story(label(number), who.subject, Dice(places.seed, number, 3))
    _decide(story, who)
    if who.kind in ("PAROLE", "TEMP_EXEC"):
        _leave_prison(story, who)
    _papers(story, places, who)
    if who.arrives is not None:
        _accept(story, places, who)
        _plans(story, who, opening)
        _device(story, places, who)
        _move(story, who)
        for trouble in who.troubles:
            _TROUBLES[trouble.what](story, who, trouble)
    _end(story, places, who)
    return story.done()


def decider(who: Ward) -> str:
    """Return who decided: a court, or the prison administration for those it sends out itself."""
    return PRISON_ADMIN if who.kind == "TEMP_EXEC" else who.town.court


def _decide(story: Story, who: Ward) -> None:
    data: dict[str, Any] = {
        "decision_no": f"D-{story.label}",
        "decision_kind": who.kind,
        "effective_date": local_time.show_day(who.effective),
        "term_start": local_time.show_day(who.effective),
        "term_end": local_time.show_day(who.term_end),
        "execution_place": who.town.county,
        "prohibition_order": story.dice.chance(0.05),
    }
    if who.kind == "TEMP_EXEC":
        data |= {"approval_received_on": local_time.show_day(who.effective), "deliver_by": who.prison}
    told = story.dice.moment(who.effective, 14, 18)
    story.tell(told, decider(who), "release.decision_effective", data, slow=3 * local_time.HOUR)


def _leave_prison(story: Story, who: Ward) -> None:
    """Parole and temporary execution begin at the prison gate."""
    dice = story.dice
    gate = who.effective + dice.within(1, 2)
    kind = {"PAROLE": "PAROLE", "TEMP_EXEC": "TEMP_EXEC"}[who.kind]
    data: dict[str, Any] = {"custody_episode_id": f"E-{story.label}", "release_kind": kind}
    data |= {"release_date": local_time.show_day(gate), "home_code": who.town.code, "key_person": False, "minor": False}
    story.tell(dice.office(who.effective - dice.within(3, 9)), who.prison, "release.scheduled", data)
    gone = dice.moment(gate, 9, 11)
    out = {"released_at": local_time.show(gone), "reason": "RELEASED"}
    story.tell(gone, who.prison, "release.occurred", out, slow=5 * local_time.MINUTE)
    if dice.chance(0.93):
        ended = who.effective - dice.within(1, 6)
        course = {"started_on": local_time.show_day(ended - 29), "ended_on": local_time.show_day(ended)}
        told = dice.moment(ended, 15, 18)
        story.tell(told, who.prison, "release.education_completed", {**course, "hours": 60, "passed": True})


def _papers(story: Story, places: Places, who: Ward) -> None:
    """Notice within five days, documents within ten, a receipt within five more: mostly."""
    dice, office, bureau = story.dice, decider(who), who.town.bureau
    slips = places.slips(office)
    to = {"to_agency": bureau, "copied_to": [who.town.police]}
    wait = dice.within(6, 12) if dice.chance(0.06 * slips) else dice.within(1, 4)
    story.tell(dice.office(who.effective + wait), office, "release.decision_notice_sent", to)
    wait = dice.within(11, 20) if dice.chance(0.06 * slips) else dice.within(1, 7)
    sent = dice.office(who.effective + wait)
    came = dice.office(local_time.later(local_time.day_of(sent), dice.within(1, 2)))
    if who.arrives is not None and not dice.chance(0.06 * slips):  # papers mostly come before the person
        sent = min(sent, dice.moment(who.arrives - 2, 9, 17))
        came = min(came, dice.moment(who.arrives - 1, 9, 17))
    story.tell(sent, office, "release.decision_documents_sent", to)
    if dice.chance(0.01 * slips):
        return
    received_on = local_time.day_of(came)
    missing = ["JUDGMENT"] if dice.chance(0.03) else []
    data = {"received_on": local_time.show_day(received_on), "missing": missing}
    story.tell(came, bureau, "intake.documents_received", data)
    if dice.chance(0.02 * places.slips(bureau)):
        return
    wait = dice.within(6, 11) if dice.chance(0.07 * places.slips(bureau)) else dice.within(1, 4)
    back = dice.office(received_on + wait)
    story.tell(
        back, bureau, "intake.documents_receipted", {"receipted_on": local_time.show_day(local_time.day_of(back))}
    )


def _accept(story: Story, places: Places, who: Ward) -> None:
    """The person comes; identity, register, declaration, group and plan."""
    dice, town = story.dice, who.town
    if who.arrives is None:
        return
    officer = {"officer_ref": f"O-{town.county}-{dice.within(1, 12)}"}
    came = max(dice.office(who.arrives), local_time.midnight(who.effective) + 34 * local_time.HOUR)
    if who.arrives > who.effective + 10:
        _search(story, who, local_time.midnight(who.effective + 11) + 9 * local_time.HOUR, came, "NOT_REPORTED")
    on_time = "ON_TIME" if who.arrives <= who.effective + 10 else "LATE"
    report = {"reported_at": local_time.show(came), "channel": "HAND", "report_type": on_time}
    story.tell(came, town.office, "intake.person_reported", report)
    given = {"town_agency": town.office, **officer}
    story.tell(came + dice.within(1, 20) * local_time.HOUR, town.bureau, "intake.assigned", given)
    slips = places.slips(town.office)
    wait = dice.within(4, 9) if dice.chance(0.07 * slips) else dice.within(0, 2)
    written = max(dice.office(local_time.later(local_time.day_of(came), wait)), came + local_time.HOUR)
    whole = not dice.chance(0.15)
    data: dict[str, Any] = {"file_ref": f"F-{town.county}-{story.label}", "group_formed": whole, "plan_made": whole}
    data |= {"declared_on": local_time.show_day(local_time.day_of(written)), "agreement_signed": True}
    story.tell(written, town.office, "intake.registered", data)
    if not whole:
        wait = dice.within(10, 16) if dice.chance(0.15 * slips) else dice.within(2, 5)
        added = dice.office(local_time.later(local_time.day_of(written), wait))
        story.tell(added, town.office, "intake.registered", {**data, "group_formed": True, "plan_made": True})


def _plans(story: Story, who: Ward, opening: int) -> None:
    """A plan at the start and at each review; what was planned before the opening is told anew on that day."""
    for since in plan_dates(who, opening):
        office = who.town_on(since).office
        at = local_time.midnight(since) + 9 * local_time.HOUR + story.dice.within(0, 90) * local_time.MINUTE
        grade, items = plan_items(who, since)
        data = {"items": items, "class": grade, "from": local_time.show_day(since)}
        story.tell(at, office, "checkin.plan_set", data, slow=10 * local_time.MINUTE)


def _device(story: Story, places: Places, who: Ward) -> None:
    """Three months at most, then ended or prolonged before the last days; a few are forgotten."""
    if not who.tracked:
        return
    dice, on, name = story.dice, who.first, "checkin.em_started"
    for term in range(3):
        bureau = who.town_on(on).bureau
        until = min(on + 89, who.last)
        span = {"on": local_time.show_day(on), "until": local_time.show_day(until)}
        story.tell(dice.moment(on - (name == "checkin.em_extended"), 9, 17), bureau, name, span)
        early = -dice.within(1, 8) if dice.chance(0.07 * places.slips(bureau)) else dice.within(3, 20)
        if term == 2 or until == who.last or dice.chance(0.5):
            day = until - early
            ended = dice.moment(max(day, on + 1), 9, 17)
            story.tell(ended, bureau, "checkin.em_ended", {"on": local_time.show_day(local_time.day_of(ended))})
            return
        on, name = until + 1, "checkin.em_extended"


def _move(story: Story, who: Ward) -> None:
    """A change of the place of execution, county to county: asked, consulted, decided, files, arrival."""
    if who.moves is None or who.moves > who.last or who.next_town.county == who.town.county:
        return
    dice, old, new = story.dice, who.town, who.next_town
    named = {"transfer_id": f"T-{story.label}"}
    codes = {**named, "from_code": old.county, "to_code": new.county}
    wait = dice.within(8, 14) if dice.chance(0.1) else dice.within(2, 6)
    decided = who.moves - wait
    both = {**named, "decision": "APPROVED", "from_agency": old.bureau, "to_agency": new.bureau}
    story.tell(dice.moment(decided - 12, 9, 17), old.bureau, "intake.transfer_requested", codes)
    story.tell(dice.moment(decided - 9, 9, 17), new.bureau, "intake.transfer_consulted", codes)
    story.tell(dice.moment(decided, 9, 17), old.bureau, "intake.transfer_decided", both)
    files = {**named, "to_agency": new.bureau}
    story.tell(dice.moment(decided + 1, 9, 17), old.bureau, "intake.transfer_files_sent", files)
    story.tell(dice.moment(who.moves, 8.5, 11), new.bureau, "intake.transfer_arrived", files)
    given = {"town_agency": new.office, "officer_ref": f"O-{new.county}-{dice.within(1, 12)}"}
    story.tell(dice.moment(who.moves, 13, 17), new.bureau, "intake.assigned", given)


def _search(story: Story, who: Ward, since: int, until: int, cause: str) -> None:
    """Looked for at once, and found."""
    bureau = who.town_on(local_time.day_of(since)).bureau
    story.tell(since, bureau, "intake.search_opened", {"cause": cause})
    hours = round((until - since) / local_time.HOUR, 1)
    found = {"cause": cause, "found": True, "hours": hours}
    story.tell(max(until - 30 * local_time.MINUTE, since), bureau, "intake.search_closed", found)


def _lost(story: Story, who: Ward, trouble: Trouble) -> None:
    hidden = trouble.until - trouble.since
    if hidden > 26 * local_time.HOUR:
        _search(story, who, trouble.since + 25 * local_time.HOUR, trouble.until, "LOST_CONTACT")


def _out(story: Story, who: Ward, trouble: Trouble) -> None:
    """Out of the area: explained, or answered with a measure; sometimes nobody does anything."""
    if not trouble.told:
        return
    town: Town = who.town_on(local_time.day_of(trouble.since))
    answered = trouble.since + story.dice.within(1, 40) * local_time.HOUR
    day = local_time.show_day(local_time.day_of(trouble.since))
    if story.dice.chance(0.6):
        reason = story.dice.one_of({"WORK": 5, "FAMILY": 4})
        data = {"kind": "LOCATION", "from": day, "until": day, "reason_code": reason}
        story.tell(answered, town.office, "checkin.excused", data)
    else:
        measure = story.dice.one_of({"ADMONITION": 7, "WARNING": 3})
        data = {"measure": measure, "on": local_time.show_day(local_time.day_of(answered))}
        story.tell(answered, town.bureau, "intake.measure_applied", data)


def _holiday(story: Story, who: Ward, trouble: Trouble) -> None:
    """A leave: approved before, reported back at its end or too late."""
    first, last = local_time.day_of(trouble.since), local_time.day_of(trouble.until)
    town = who.town_on(first)
    named = {"leave_id": f"V-{story.label}-{first}"}
    span = {"from": local_time.show_day(first), "until": local_time.show_day(last)}
    approved = story.dice.moment(first - 2, 9, 17)
    story.tell(approved, town.bureau, "checkin.leave_approved", {**named, **span})
    back = trouble.until if trouble.told else trouble.until + story.dice.within(26, 80) * local_time.HOUR
    story.tell(back, town.office, "checkin.leave_returned", {**named, "returned_at": local_time.show(back)})


def _custody(story: Story, who: Ward, trouble: Trouble) -> None:
    police = who.town_on(local_time.day_of(trouble.since)).police
    for status, at in (("DETAINED", trouble.since), ("RELEASED", trouble.until)):
        data = {"status": status, "since": local_time.show(at), "organ": "POLICE"}
        story.tell(at, police, "intake.custody_notified", data, slow=3 * local_time.HOUR)


_TROUBLES = {"LOST": _lost, "OUT": _out, "LEAVE": _holiday, "CUSTODY": _custody}


def _end(story: Story, places: Places, who: Ward) -> None:
    """Discharged on the day, a little late, or revoked after a ruling."""
    dice, town = story.dice, who.town_on(who.last)
    if who.revoked is not None and who.revoked < who.term_end:
        proposed = dice.moment(who.revoked - dice.within(5, 38), 9, 17)
        measure = {"measure": "REVOCATION_PROPOSED", "on": local_time.show_day(local_time.day_of(proposed))}
        story.tell(proposed, town.bureau, "intake.measure_applied", measure)
        kind = "REVOKE_PAROLE" if who.kind == "PAROLE" else "REVOKE_PROBATION"
        ruled = dice.moment(who.revoked, 9, 12)
        ruling = {"kind": kind, "granted": True, "ruled_on": local_time.show_day(who.revoked)}
        story.tell(ruled, decider(who), "release.revocation_ruled", ruling)
        closed = dice.moment(who.revoked, 13, 17)
        story.cut(closed)
        story.tell(closed, town.bureau, "intake.closed", {"cause": "REVOKED"})
        return
    late = dice.within(1, 4) if dice.chance(0.04 * places.slips(town.bureau)) else 0
    closed = dice.moment(who.term_end + late, 9, 17)
    story.cut(closed)
    story.tell(closed, town.bureau, "intake.closed", {"cause": "TERM_END"})
