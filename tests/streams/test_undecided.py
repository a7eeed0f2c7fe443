"""An open transaction is told once it has been open for long, and again when it has ended."""

from faust.types import TP

from streams.open_transactions import LONG_SECONDS, Undecided

ONE, OTHER = TP("t", 0), TP("t", 1)


def test_a_moment_is_not_told() -> None:
    known = Undecided()
    assert known.look({ONE: 5}, 0.0) == ({}, [])
    assert known.look({}, LONG_SECONDS - 1) == ({}, [])


def test_one_after_the_other_is_no_hanging_one() -> None:
    known = Undecided()
    known.look({ONE: 5}, 0.0)
    assert known.look({ONE: 9}, LONG_SECONDS) == ({}, [])


def test_it_is_told_once_and_that_it_has_ended() -> None:
    known = Undecided()
    known.look({ONE: 5}, 0.0)
    assert known.look({ONE: 5, OTHER: 1}, LONG_SECONDS) == ({ONE: 5}, [])
    assert known.look({ONE: 5, OTHER: 1}, LONG_SECONDS + 1) == ({}, [])
    assert known.look({OTHER: 1}, LONG_SECONDS + 2) == ({}, [ONE])
