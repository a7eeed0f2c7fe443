"""Equal rows fold: more than eight of a rule and township, all held ones of an office."""

from typing import Any

from console.queue.row_grouping import MOST_EQUAL, RowGroup, group_rows


def row(
    rule: str = "A04", place: str = "990102001", owner: str = "TOWN_JUSTICE-990102001-01", *, held: bool = False
) -> Any:
    return {"rule_id": rule, "jurisdiction": place, "owner_agency": owner, "held": held}


def test_eight_equal_rows_stand_alone_and_nine_fold_where_the_first_stood() -> None:
    few, other = [row()] * MOST_EQUAL, row("A05")
    assert list(group_rows([*few, other])) == [RowGroup((place,)) for place in range(MOST_EQUAL + 1)]
    mixed = [other, *few, row(place="990102002"), row()]
    assert list(group_rows(mixed)) == [
        RowGroup((0,)),
        RowGroup([*range(1, MOST_EQUAL + 1), MOST_EQUAL + 2], "A04-990102001"),
        RowGroup((MOST_EQUAL + 1,)),
    ]


def test_what_waits_for_a_silent_feed_folds_by_its_office_whatever_the_rule() -> None:
    held = [row("A04", held=True), row("A07", "990102002", held=True)]
    assert list(group_rows([held[0], row(), held[1]])) == [
        RowGroup([0, 2], "held-TOWN_JUSTICE-990102001-01", held=True),
        RowGroup((1,)),
    ]
    assert list(group_rows([held[0], row()])) == [RowGroup((0,)), RowGroup((1,))]
