"""Figures of releases, notices and returns, counted from the events that stand and the handovers they belong to."""

from collections.abc import Iterable
from datetime import date, timedelta

from console.reports.events import Home
from console.reports.indicator import DrillDownRow, Indicator, IndicatorPart, find_nearest_rank, make_count, make_share
from console.reports.person_base import PersonBase
from handover.calendar import DAY, end_of, start_of
from handover.facts.fact import Fact

_ARRIVED = ("intake.pickup_completed", "intake.person_reported", "intake.registered")
_TAKEN = ("intake.acknowledged", "intake.pickup_planned", *_ARRIVED)
_COMING = 30 * DAY


class ReleasesAndReturns:
    """What happened to the people of a place in a month, as known at an instant."""

    def __init__(self, known: PersonBase) -> None:
        self._known, self._month, self._at = known, known.month, known.at

    def compute(self) -> list[Indicator]:
        """All of them."""
        released = self._known.read_events(("release.occurred",), self._month.begins, self._month.ends)
        return [
            self._compute_coming(),
            self._compute_today(),
            self._compute_registered(released),
            self._compute_handed_over(released),
            self._compute_leads(),
            self._compute_returns(),
            self._compute_moved(),
        ]

    @staticmethod
    def _make_row(one: Fact, home: Home, *, holds: bool = True) -> DrillDownRow:
        return DrillDownRow(one.subject, home.jurisdiction, home.sending, one.time, one.name, holds)

    def _find_expected(self, first: date, last: date, *, key_only: bool) -> list[Home]:
        """Open handovers whose release date lies between two days."""
        return [
            home
            for home in self._known.list_open()
            if home.release_date is not None
            and first <= date.fromisoformat(home.release_date) <= last
            and (home.key_person or not key_only)
        ]

    def _compute_coming(self) -> Indicator:
        """Key persons to be released within thirty days: for how many a pick-up is planned."""
        today = self._at.date()
        planned = self._known.read_by_person(("intake.pickup_planned", "intake.pickup_completed"))
        return make_share(
            "key_releases",
            [
                DrillDownRow(
                    home.subject, home.jurisdiction, home.county, start_of(date.fromisoformat(home.release_date or "")),
                    "intake.pickup_planned" if home.subject in planned else "release.scheduled", home.subject in planned,
                )
                for home in self._find_expected(today, today + _COMING, key_only=True)
            ],
        )  # fmt: skip

    def _compute_today(self) -> Indicator:
        """Released today, and nobody has said that they receive the person."""
        today = self._at.date()
        taken = self._known.read_by_person(_TAKEN)
        left = self._known.read_events(("release.occurred",), start_of(today), end_of(today))
        occurred = {home.handover_id: (one.time, home) for one, home in left}
        due = {home.handover_id: (start_of(today), home) for home in self._find_expected(today, today, key_only=False)}
        rows = [
            DrillDownRow(home.subject, home.jurisdiction, home.county, at, "release.occurred", holds=True)
            for at, home in (due | occurred).values()
            if not any(_is_received(one, home) for one in taken.get(home.subject, ()))
        ]
        return make_count("today_no_receiver", rows)

    def _compute_registered(self, released: Iterable[tuple[Fact, Home]]) -> Indicator:
        registered = self._known.read_by_person(("intake.registered",))
        return make_share(
            "registered",
            [
                self._make_row(one, home, holds=any(later.time >= home.opened_at for later in registered.get(one.subject, ())))
                for one, home in released
            ],
        )  # fmt: skip

    def _compute_handed_over(self, released: Iterable[tuple[Fact, Home]]) -> Indicator:
        arrived = self._known.read_by_person(_ARRIVED)
        return make_share(
            "handed_over",
            [
                self._make_row(one, home, holds=any(later.time.date() == one.time.date() for later in arrived.get(one.subject, ())))
                for one, home in released
                if home.key_person
            ],
        )  # fmt: skip

    def _compute_leads(self) -> Indicator:
        """Per prison: from the first notice to the release date."""
        first: dict[str, tuple[Fact, Home]] = {}
        for one, home in self._known.read_events(("release.notice_sent",), self._month.begins, self._month.ends):
            first.setdefault(home.handover_id, (one, home))
        rows, leads = [], dict[str, list[timedelta]]()
        for one, home in first.values():
            if home.release_date is not None:
                rows.append(self._make_row(one, home))
                days = date.fromisoformat(home.release_date) - one.time.date()
                leads.setdefault(home.sending, []).append(days)
        parts = [
            IndicatorPart(
                prison, {"n": len(found), "median": find_nearest_rank(found, 0.5), "p10": find_nearest_rank(found, 0.1)}
            )
            for prison, found in sorted(leads.items())
        ]
        return Indicator("notice_lead", len(rows), parts=parts, rows=rows)

    def _compute_returns(self) -> Indicator:
        told = self._known.read_events(
            ("intake.returned", "intake.verification_returned"), self._month.begins, self._month.ends
        )
        rows = [self._make_row(one, home) for one, home in told if one.data.get("result", "NOT_OURS") == "NOT_OURS"]
        hops: dict[str, int] = {}
        for row in rows:
            hops[row.subject] = hops.get(row.subject, 0) + 1
        return Indicator("returns", len(rows), rows=rows, more={"most": max(hops.values(), default=0)})

    def _compute_moved(self) -> Indicator:
        told = self._known.read_events(("release.date_changed",), self._month.begins, self._month.ends)
        return make_count("dates_moved", [self._make_row(one, home) for one, home in told])


def _is_received(one: Fact, home: Home) -> bool:
    return one.time >= home.opened_at and bool(one.data.get("accepted", True))
