"""What was measured, and how it is said: verdicts on metrics, read from the events of the sinks that measure."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from handover.facts.fact import Fact

METRIC_JUDGED = "system.metric_judged"


class Place(NamedTuple):
    """What names a metric within its subject: the rule, its part, and of whom (an officer, a topic, a consumer group) or ""."""

    rule_id: str
    part: str
    key: str


class Measured(NamedTuple):
    """What was found, the threshold it was held against, and how many were counted (None: it is a count itself)."""

    measure: str
    key: str
    value: float
    limit: float
    n: int | None


def place_of(fact: Fact) -> Place:
    """The metric that a verdict is about."""
    return Place(fact.data["rule_id"], fact.data.get("part") or "", fact.data.get("key") or "")


def measured_of(fact: Fact) -> Measured:
    """What a verdict found."""
    data = fact.data
    return Measured(data["measure"], data.get("key") or "", data["value"], data["limit"], data.get("n"))


def said(found: Measured) -> dict[str, str]:
    """What was found in one clause, in both languages."""
    zh, en = _SAID[found.measure](found)
    return {"zh": zh, "en": en}


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _percent(value: float) -> str:
    return f"{_number(100 * value)}%"


def _answered(one: Measured) -> tuple[str, str]:
    found, limit = _percent(one.value), _percent(one.limit)
    return (
        f"{one.n} 项中按时办理 {found}，低于目标 {limit}",
        f"{found} of {one.n} duties answered on time, below the target of {limit}",
    )


def _of_officer(zh: str, en: str) -> "Say":
    def say(one: Measured) -> tuple[str, str]:
        found, limit = _number(one.value), _number(one.limit)
        return (
            f"经办人 {one.key} 有 {found} 项{zh}，超过 {limit} 项",
            f"officer {one.key} has {found} {en} duties, more than {limit}",
        )

    return say


def _late(one: Measured) -> tuple[str, str]:
    found, limit = _number(one.value), _number(one.limit)
    return (
        f"数据在事发 {found} 小时后才到，超过 {limit} 小时",
        f"data came {found} hours after the fact, more than {limit}",
    )


def _rejected(one: Measured) -> tuple[str, str]:
    found = _number(one.value)
    return f"{one.key} 有 {found} 条消息被拒，尚未处理", f"{found} rejected messages of {one.key} wait to be dealt with"


def _lagging(one: Measured) -> tuple[str, str]:
    found, limit = _number(one.value), _number(one.limit)
    return (
        f"{one.key} 处理滞后 {found} 秒，超过 {limit} 秒",
        f"{one.key} lags {found} seconds behind, more than {limit}",
    )


def _ahead(one: Measured) -> tuple[str, str]:
    found, limit = _number(one.value), _number(one.limit)
    return (
        f"有消息的时间超前 {found} 秒，超过 {limit} 秒",
        f"a message is dated {found} seconds ahead, more than {limit}",
    )


def _incomplete(one: Measured) -> tuple[str, str]:
    found = _number(one.value)
    return (
        f"列表与日志不符：{one.key} 有 {found} 处，所列可能不全或已过时",
        f"what is shown does not equal the log: {one.key}, {found} places; it may be incomplete or out of date",
    )


def _without_calendar(one: Measured) -> tuple[str, str]:
    left = _number(one.value)
    return (
        f"{one.key} 年的工作日日历尚未发布，{left} 天后启用；涉及该年的期限只能暂定",
        f"the working-day calendar of {one.key} is not published and needed in {left} days; deadlines in that year are provisional",
    )


Say = Callable[[Measured], tuple[str, str]]
_SAID: Mapping[str, Say] = {
    "ANSWERED_ON_TIME": _answered,
    "OPEN_PER_OFFICER": _of_officer("待办", "open"),
    "OVERDUE_PER_OFFICER": _of_officer("逾期", "overdue"),
    "ARRIVAL_LAG": _late,
    "DEAD_LETTERS": _rejected,
    "PIPELINE_LAG": _lagging,
    "CLOCK_SKEW": _ahead,
    "READ_MODEL_GAPS": _incomplete,
    "MISSING_CALENDAR": _without_calendar,
}
