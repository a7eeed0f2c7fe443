"""Where a worker goes on after a restart: at the first record that was read and not yet lived through, whatever the order."""

import random

import pytest

from streams.inbox import Unlived


@pytest.mark.parametrize("seed", range(20))
def test_the_first_one_left_is_found_in_any_order(seed: int) -> None:
    dice, unlived, left, offset = random.Random(seed), Unlived(), set[int](), 0
    for _ in range(300):
        if left and dice.random() < 0.55:
            gone = dice.choice(sorted(left))
            left.remove(gone)
            unlived.lived(gone)
        else:
            offset += dice.choice((1, 1, 1, 7))  # between them: dead letters, markers
            left.add(offset)
            unlived.read.append(offset)
        assert len(unlived) == len(left)
        assert (unlived.read[0] if unlived.read else None) == min(left, default=None)
    assert len(unlived.gone) <= len(unlived.read)


def test_what_was_read_before_a_rebalance_counts_for_nothing() -> None:
    unlived = Unlived()
    unlived.lived(7)
    assert (len(unlived), unlived.gone) == (0, set())
    unlived.read.extend((8, 9))
    unlived.lived(7)
    assert unlived.read[0] == 8
    unlived.lived(8)
    unlived.lived(9)
    assert (len(unlived), unlived.gone) == (0, set())
