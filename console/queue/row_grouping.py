"""Equal rows of the queue fold into one, so that a list stays readable: more than eight of one rule and township, and
all that wait for one silent feed.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from console.db.alert_rows import ListedRow

MOST_EQUAL = 8


@dataclass(frozen=True, slots=True)
class RowGroup:
    """Rows that stand together, by their places in the list. `held`: they wait for a silent feed. No key: one row that stands alone."""

    rows: Sequence[int]
    key: str = ""
    held: bool = False


def group_rows(rows: Sequence[ListedRow]) -> Iterator[RowGroup]:
    """The parts of a list in its order; a fold stands where its first row stood."""
    keys = [_group_key(row) for row in rows]
    counts = Counter(keys)
    told = set()
    for place, (row, key) in enumerate(zip(rows, keys, strict=True)):
        if key in told:
            continue
        if counts[key] <= (1 if row["held"] else MOST_EQUAL):
            yield RowGroup((place,))
            continue
        told.add(key)
        yield RowGroup([other for other, one in enumerate(keys) if one == key], key, bool(row["held"]))


def _group_key(row: ListedRow) -> str:
    return f"held-{row['owner_agency']}" if row["held"] else f"{row['rule_id']}-{row['jurisdiction']}"
