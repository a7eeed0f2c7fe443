"""Python's collector of cycles, kept away from what a worker keeps ready: 15 million objects without a cycle (docs/adr/0015)."""

import gc

YOUNG = 10_000  # objects made and not freed since the last look: ten milliseconds of it


def take_over() -> None:
    """From now on cycles are only looked for when we say so."""
    gc.disable()


def collect_young() -> None:
    """Free the cycles among what is new, once there is enough of it, and never look at the rest of it again.

    Does nothing where Python's own collector is at work.
    """
    if not gc.isenabled() and gc.get_count()[0] >= YOUNG:
        gc.collect(0)
        gc.freeze()


def collect_all() -> None:
    """Free every cycle. For when nothing is kept ready: else it takes seconds, in which nothing else happens."""
    if not gc.isenabled():
        gc.unfreeze()
        gc.collect()
        gc.freeze()
