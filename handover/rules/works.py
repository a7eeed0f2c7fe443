"""Which of the five works an obligation belongs to, and which line of its prison: keys of an entry that decide nothing (semantics.md 12.3)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from handover.rules.rulebook_parser import InvalidEntry
from schemas import codes

PRISON = "prison"
WORKS = (PRISON, "corrections", "aftercare", "disputes", "legal_aid", "publicity")
OWN = "own"
SURVEYS = "surveys"
LINES = ("notice", "education", SURVEYS, "admission")  # what a prison owes; of surveys, those that it asked for
KEYS = ("work", "prison_line")
_OF_PRISON = "sending"  # the owner whose obligations are the prison's work
_KINDS = tuple(codes.WORK_KIND.labels)


class Counted(NamedTuple):
    """Obligations that count: of a rule, those whose occurrence begins with `part`; empty: all."""

    rule_id: str
    part: str


@dataclass(frozen=True)
class Works:
    """What each work and each line of a prison counts, in the order of the book."""

    by_work: Mapping[str, tuple[Counted, ...]] = field(default_factory=dict)
    by_line: Mapping[str, tuple[Counted, ...]] = field(default_factory=dict)

    def list_counted(self, work: str) -> tuple[Counted, ...]:
        """What a work counts; `own`: all works of the counties together, without the prisons'."""
        if work == OWN:
            return tuple(one for name, several in self.by_work.items() if name != PRISON for one in several)
        return self.by_work.get(work, ())


def read_works(entries: Iterable[Mapping[str, Any]]) -> Works:
    """Read and check `work` and `prison_line` of all entries; each part speaks for itself. Raise InvalidEntry."""
    by_work: dict[str, list[Counted]] = {}
    by_line: dict[str, list[Counted]] = {}
    for entry in entries:
        part = entry.get("part", "")
        try:
            for kind, work in _list_works(entry):
                by_work.setdefault(work, []).append(Counted(entry["id"], ":".join(filter(None, (part, kind)))))
            if "prison_line" in entry:
                line = _read_word(entry["prison_line"], "prison_line", LINES)
                by_line.setdefault(line, []).append(Counted(entry["id"], part))
        except InvalidEntry as error:
            raise InvalidEntry(f"rule {entry['id']}" + (f" ({part})" if part else "") + f", {error}") from error
    return Works(
        {name: tuple(by_work[name]) for name in WORKS if name in by_work},
        {name: tuple(by_line[name]) for name in LINES if name in by_line},
    )


def _list_works(entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(kind of an office's work or "", work)."""
    value = entry.get("work")
    if value is None:
        return
    if entry.get("kinds") == ["SYSTEM"]:
        raise InvalidEntry("work: counts what offices owe about their work, not the kind SYSTEM")
    if not isinstance(value, Mapping):
        yield "", _read_work(value, entry)
        return
    if entry.get("kinds") != ["WORK"]:
        raise InvalidEntry("work: a table of kinds of work needs the kind WORK")
    for kind, work in value.items():
        yield _read_word(kind, "work", _KINDS), _read_work(work, entry)


def _read_work(value: Any, entry: Mapping[str, Any]) -> str:
    work, owner = _read_word(value, "work", WORKS), entry.get("owner")
    if (work == PRISON) != (owner == _OF_PRISON):
        raise InvalidEntry(f"work: {PRISON} counts what {_OF_PRISON} owes and nothing else does, not {work} of {owner}")
    return work


def _read_word(value: Any, key: str, words: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in words:
        raise InvalidEntry(f"{key}: unknown word {value}; allowed are {', '.join(words)}")
    return value
