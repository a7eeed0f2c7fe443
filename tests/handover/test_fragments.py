"""Parts of a case's JSON that are kept: in no more memory than they need, and not for ever."""

import tracemalloc

from handover.cases.json_cache import JsonCache, dumped

_MANY = 1_000


def test_what_is_kept_takes_what_it_needs() -> None:
    value = {"reason": "x" * 200}
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        kept = [dumped(value) for _ in range(_MANY)]
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (after - before) / _MANY < 2 * len(kept[0])


def test_a_part_is_made_anew_only_from_something_else_and_forgotten_once_many_are_unused() -> None:
    made, calls = JsonCache(), list[int]()

    def make() -> int:
        calls.append(1)
        return len(calls)

    for _ in range(3):
        made.of("part", "same", make)
    assert len(calls) == 1
    made.of("part", "other", make)
    assert len(calls) == 2
    for number in range(100):
        made.of(("revision", number), number, make)
        made.drop_unused()
    made.of("part", "other", make)
    assert len(calls) == 103  # it had been unused for long
