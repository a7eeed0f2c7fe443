"""`python -m tests.chaos`: faults upon a seeded city, one line each; exit 1 unless the judge finds nothing."""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

from cli.stack.children import Unstartable
from handover.analysis.verification import Judgement
from schemas.instants import show
from tests.chaos.kinds import KINDS, left_out, planned
from tests.chaos.run import City, Outcome, run

SHOWN = 20


def main(arguments: list[str]) -> int:
    """Run once."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the city and of the faults")
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--hours", type=float, default=City.hours, help="simulated hours a second")
    parser.add_argument("--register", type=float, default=City.register, help="share of the opening register")
    parser.add_argument("--seconds", type=float, default=City.seconds, help="that the city lives at least")
    names = [kind.__name__ for kind in KINDS]
    parser.add_argument("--only", action="append", choices=names, help="only these kinds of faults")
    parser.add_argument("--keep", action="store_true", help="keep the folder of a good run too")
    parser.add_argument("--losses", action="store_true", help="in the end lose unread records, a topic and all brokers")
    given = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix=f"reentry-chaos-{given.seed}-"))
    folder.chmod(0o755)  # PostgreSQL runs as another user
    kinds = [kind for kind in KINDS if kind not in left_out() and (not given.only or kind.__name__ in given.only)]
    for kind, reason in left_out().items():
        print(f"chaos: without {kind.__name__}: {reason}", flush=True)
    plan = list(planned(given.seed, given.faults, kinds))
    city = City(given.seed, given.hours, given.register, given.seconds, given.losses)
    print(f"chaos: seed {given.seed}, {given.faults} faults, {given.hours:g} h/s; logs in {folder}", flush=True)
    try:
        outcome = run(folder, city, plan, lambda line: print(line, flush=True))
    except Unstartable as error:
        print(f"chaos: FAILED: {error}; logs: {folder}")
        return 1
    report(outcome, folder)
    good = not outcome.judgement.findings and not outcome.wrong
    if good and not given.keep:
        shutil.rmtree(folder, ignore_errors=True)
    return 0 if good else 1


def report(outcome: Outcome, folder: Path) -> None:
    """Say what was found; every finding goes to a file."""
    judgement = outcome.judgement
    deaths = {name: len(each) for name, each in outcome.deaths.items()}
    print(
        f"chaos: {outcome.faults} faults in {outcome.seconds:.0f} s, {outcome.days:.1f} days of the city, {outcome.events} events; "
        f"ended by themselves: {deaths or 'none'}"
    )
    print("chaos: compared " + ", ".join(f"{count} in {what}" for what, count in judgement.compared.items()))
    if judgement.findings:
        (folder / "findings.jsonl").write_text("".join(json.dumps(one.wire()) + "\n" for one in judgement.findings))
        show_first(judgement)
    for line in outcome.wrong[:SHOWN]:
        print(f"  {line}")
    counts = ", ".join(f"{count} {kind}" for kind, count in judgement.counts().items())
    is_wrong = judgement.findings or outcome.wrong
    print(f"chaos: {counts}, {len(outcome.wrong)} other{f'; FAILED, logs: {folder}' if is_wrong else ': equal'}")


def show_first(judgement: Judgement) -> None:
    """The first findings, a line each."""
    for one in judgement.findings[:SHOWN]:
        at = show(one.at) if one.at else ""
        print(f"  {one.kind:<16} {one.place:<19} {one.rule_id:<4} {one.key} {at} {', '.join(one.fields())}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
