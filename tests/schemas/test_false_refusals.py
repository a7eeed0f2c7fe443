"""A small run of `benchmarks.false_refusals`: what publishers really send is not taken for numbers of persons."""

from collections import Counter
from itertools import islice

from benchmarks.false_refusals import KINDS, clean_events, refused


def test_clean_events_are_not_refused() -> None:
    read, found = refused(islice(clean_events(7), 4_000), lambda _: False)
    assert (read, +found) == (4_000, Counter())


def test_a_number_among_them_would_be_counted() -> None:
    name, body = next(clean_events(7))
    body["data"]["remark"] = "tel 19900000000"
    assert refused(iter([(name, body)]), lambda _: False) == (1, Counter({next(iter(KINDS)): 1}))
