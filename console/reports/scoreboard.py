"""The scoreboard's numbers: per place and stage how many obligations fell due and how many were answered in time."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, case, func, select

from console.reports.obligation_base import ObligationBase, ObligationFilter, read_base
from console.reports.stages import KINDS, ScoreboardStage, list_rules, select_stages
from handover.rules.rulebook import RuleBook

FEW, HIDDEN = 20, 5  # fewer obligations show no percentage; fewer still are nobody's business outside their county
MONTHS = 6  # of the small curve
LEFT_OUT = ("contested", "paused", "waived", "cancelled", "redated")
BELOW = {2: 4, 4: 6}  # length of the codes one level below a prefix


@dataclass(frozen=True, slots=True)
class Share:
    """How many of how many. `hidden`: too few to be shown to this reader; the numbers are then zero."""

    top: int = 0
    bottom: int = 0
    hidden: bool = False

    def __add__(self, other: "Share") -> "Share":
        return Share(self.top + other.top, self.bottom + other.bottom)

    @property
    def percent(self) -> float | None:
        """None where they are too few."""
        return 100 * self.top / self.bottom if self.bottom >= FEW and not self.hidden else None

    @property
    def heat(self) -> str:
        """How bad: nothing from 95 on, then four steps; few, none."""
        if self.percent is None:
            return "none" if not self.bottom and not self.hidden else "few"
        return next((name for least, name in _STEPS if round(self.percent, 1) >= least), "g4")


_NOTHING = Share()
_STEPS = ((95.0, ""), (90.0, "g1"), (80.0, "g2"), (70.0, "g3"))


@dataclass(frozen=True, slots=True)
class OverdueCount:
    """Obligations unanswered now, of any month, and the oldest deadline."""

    n: int = 0
    oldest: datetime | None = None
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class ScoreboardLine:
    """One place: a share for each stage, the county's own obligations together, what is overdue, the last months."""

    place: str
    shares: tuple[Share, ...]
    total: Share
    overdue: OverdueCount
    months: tuple[Share, ...]


@dataclass(frozen=True, slots=True)
class Scoreboard:
    """The whole scoreboard. `all` is the last line; `left_out`: how many obligations of the month are not counted, by reason."""

    ground: ObligationBase
    prefix: str
    kind: str
    stages: Sequence[ScoreboardStage]
    lines: Sequence[ScoreboardLine]
    all: ScoreboardLine
    before: Share
    left_out: Mapping[str, int]
    contested: Mapping[str, int]  # by rule

    @property
    def change(self) -> float | None:
        """Percentage points more than the month before."""
        now, then = self.all.total.percent, self.before.percent
        return None if now is None or then is None else now - then

    @property
    def spread(self) -> float | None:
        """Between the places nine tenths and one tenth up the order, of those that have enough obligations."""
        return compute_spread(line.total for line in self.lines)


def compute_spread(shares: Iterable[Share]) -> float | None:
    """P90 - P10 in percentage points of those that are enough to have a percentage; None where fewer than two do."""
    known = sorted(share.percent for share in shares if share.percent is not None)
    return _interpolate(known, 0.9) - _interpolate(known, 0.1) if len(known) > 1 else None


def _interpolate(values: Sequence[float], share: float) -> float:
    """Between the two nearest, as spreadsheets do."""
    place = share * (len(values) - 1)
    low = int(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (place - low)


SharesByRule = dict[tuple[str, str], Share]  # by place and rule


def compute_scoreboard(
    connection: Connection, ground: ObligationBase, book: RuleBook, prefix: str, kind: str, own: str = ""
) -> Scoreboard:
    """The scoreboard of the places below a prefix, nothing hidden; what is left out is told of `own` alone where it is named."""
    stages = select_stages(book, kind)
    assert ground.month is not None
    wanted = ObligationFilter(list_rules(stages), prefix, KINDS.get(kind, ()))
    counts = _count_shares(connection, ground, wanted, prefix)
    months = [_count_earlier(connection, ground, back, wanted, prefix) for back in range(MONTHS - 1, 0, -1)] + [counts]
    overdue = _count_overdue(
        connection, ground, ObligationFilter(_list_county_rules(stages), prefix, wanted.kinds), prefix
    )
    places = sorted({*(place for place, _ in counts), *overdue})
    lines = [_make_line(place, stages, counts, months, overdue.get(place, OverdueCount())) for place in places]
    everything = _make_total(stages, counts, months, overdue)
    left_out, contested = count_left_out(connection, ground, replace(wanted, county=own or prefix))
    return Scoreboard(ground, prefix, kind, stages, lines, everything, everything.months[-2], left_out, contested)


def _list_county_rules(stages: Sequence[ScoreboardStage]) -> tuple[str, ...]:
    return list_rules([stage for stage in stages if stage.of_county])


def _count_shares(
    connection: Connection, ground: ObligationBase, wanted: ObligationFilter, prefix: str
) -> SharesByRule:
    d = ground.rows()
    place = func.substr(d.c.county, 1, BELOW.get(len(prefix), 6))
    in_time = func.sum(case((d.c.standing == "in_time", 1), else_=0))
    grouped = (
        select(place, d.c.rule_id, in_time, func.count())
        .where(ground.result(d, "counted"), wanted.of(d))
        .group_by(place, d.c.rule_id)
    )
    return {(where, rule): Share(int(top), n) for where, rule, top, n in connection.execute(grouped)}


def _count_earlier(
    connection: Connection, ground: ObligationBase, back: int, wanted: ObligationFilter, prefix: str
) -> SharesByRule:
    assert ground.month is not None
    month = ground.month.on(-back)
    then = read_base(connection, month)
    if then is None:
        return {}
    if not then.frozen and then.at > ground.at:
        then = ObligationBase(month, ground.at, False)
    return _count_shares(connection, then, wanted, prefix)


def _count_overdue(
    connection: Connection, ground: ObligationBase, wanted: ObligationFilter, prefix: str
) -> dict[str, OverdueCount]:
    every = ObligationBase(None, ground.at, False)
    d = every.rows()
    place = func.substr(d.c.county, 1, BELOW.get(len(prefix), 6))
    grouped = (
        select(place, func.count(), func.min(d.c.due_at))
        .where(every.result(d, "overdue"), wanted.of(d))
        .group_by(place)
    )
    return {where: OverdueCount(n, oldest) for where, n, oldest in connection.execute(grouped)}


def count_left_out(
    connection: Connection, ground: ObligationBase, wanted: ObligationFilter
) -> tuple[dict[str, int], dict[str, int]]:
    """How many are not counted, by reason; of those in contest, how many of each rule."""
    d = ground.rows()
    sums = [func.sum(case((ground.result(d, name), 1), else_=0)) for name in LEFT_OUT]
    grouped = select(d.c.rule_id, *sums).where(wanted.of(d)).group_by(d.c.rule_id)
    found, contested = dict.fromkeys(LEFT_OUT, 0), {}
    for rule, *numbers in connection.execute(grouped):
        for name, n in zip(LEFT_OUT, numbers, strict=True):
            found[name] += int(n or 0)
        if numbers[0]:
            contested[rule] = int(numbers[0])
    return found, contested


def _sum_share(counts: SharesByRule, place: str, rules: Sequence[str]) -> Share:
    return sum((counts.get((place, rule), Share()) for rule in rules), Share())


def _make_line(
    place: str,
    stages: Sequence[ScoreboardStage],
    counts: SharesByRule,
    months: Sequence[SharesByRule],
    overdue: OverdueCount,
) -> ScoreboardLine:
    own = _list_county_rules(stages)
    return ScoreboardLine(
        place,
        tuple(_sum_share(counts, place, stage.rules) for stage in stages),
        _sum_share(counts, place, own),
        overdue,
        tuple(_sum_share(one, place, own) for one in months),
    )


def _make_total(
    stages: Sequence[ScoreboardStage],
    counts: SharesByRule,
    months: Sequence[SharesByRule],
    overdue: Mapping[str, OverdueCount],
) -> ScoreboardLine:
    def of(known: SharesByRule, rules: Sequence[str]) -> Share:
        return sum((share for (_, rule), share in known.items() if rule in rules), Share())

    own = _list_county_rules(stages)
    oldest = min((one.oldest for one in overdue.values() if one.oldest is not None), default=None)
    return ScoreboardLine(
        "",
        tuple(of(counts, stage.rules) for stage in stages),
        of(counts, own),
        OverdueCount(sum(one.n for one in overdue.values()), oldest),
        tuple(of(one, own) for one in months),
    )


# --- who may see how little


def limit_to_reader(board: Scoreboard, own: str, *, alone: bool, sees_rows: bool) -> Scoreboard:
    """The same scoreboard for a reader: `own` county (six digits, or empty), `alone`: only its line and all together.

    Fewer than five are hidden outside their county, and where all together less one's own would tell them.
    """
    lines = [line for line in board.lines if not alone or line.place == own]
    mine = next((line for line in lines if line.place == own), None)
    shown = [line if line.place == own else _hide_few(line, sees_rows=sees_rows) for line in lines]
    everything = _hide_few(board.all, mine if alone else None, sees_rows=sees_rows)
    return replace(board, lines=shown, all=everything)


def _hide_few(line: ScoreboardLine, less: ScoreboardLine | None = None, *, sees_rows: bool) -> ScoreboardLine:
    others = less.shares if less is not None else (Share(),) * len(line.shares)
    overdue = line.overdue
    if not sees_rows and 0 < overdue.n < HIDDEN:
        overdue = OverdueCount(hidden=True)
    return replace(
        line,
        shares=tuple(hide_share(share, other) for share, other in zip(line.shares, others, strict=True)),
        total=hide_share(line.total, less.total if less is not None else Share()),
        overdue=overdue,
    )


def hide_share(share: Share, less: Share = _NOTHING) -> Share:
    """The share, hidden where fewer than five stand in it or in what is left of it without `less`."""
    few = 0 < share.bottom < HIDDEN or 0 < share.bottom - less.bottom < HIDDEN
    return Share(hidden=True) if few else share


def sort_lines(lines: Sequence[ScoreboardLine], order: str) -> list[ScoreboardLine]:
    """Worst first, those with too few obligations after them; or by name."""
    if order == "name":
        return sorted(lines, key=lambda line: line.place)
    return sorted(
        lines,
        key=lambda line: (line.total.percent is None, line.total.percent or 0.0, -line.overdue.n, line.place),
    )
