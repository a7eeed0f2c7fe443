"""Files that are sent: one small rule book, read or refused with its line."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from console.web.request import BadForm, LoginNeeded, NotAllowed, Visitor, language_of, session_of, site_of
from console.web.security import is_token
from handover.rules.rulebook import InvalidRuleBook, RuleBook, read
from schemas.text_files import skip_mark

LARGEST = 256 * 1024  # bytes of a file that is sent
_FORM_AROUND = 16 * 1024
_SYNTAX = re.compile(r"\(at line (\d+), column \d+\)")
_RULE = re.compile(r"rule (\S+)(?: \(([^)]+)\))?, ([^:]+):")
_QUOTED = re.compile(r"""["']([^"']*)["']""")


@dataclass(frozen=True)
class UploadForm:
    """A form that may carry a file: its fields, and name and content of the file; both empty where none was chosen.

    `size` is the whole request's; a file that is too large has a name and no content.
    """

    visitor: Visitor
    fields: dict[str, str]
    name: str
    content: bytes
    size: int

    def __getitem__(self, name: str) -> str:
        return self.fields.get(name, "").strip()


def upload(kind: str) -> Callable[[Request], Awaitable[UploadForm]]:
    """What a route depends on that takes a file. Raise LoginNeeded, NotAllowed, BadForm."""

    async def read_upload(request: Request) -> UploadForm:
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise BadForm
        found = await run_in_threadpool(session_of, request)
        if found is None:
            raise LoginNeeded
        request.state.user = found.user
        visitor = Visitor(site_of(request), request, found, site_of(request).words(language_of(request, found.user)))
        length = request.headers.get("content-length", "")
        if not length.isdigit() or int(length) > 4 * LARGEST:
            raise BadForm
        fields, name, content = await _parts(request, int(length))
        if not is_token(found.csrf, fields.get("csrf")):
            raise BadForm
        if kind not in visitor.pages:
            raise NotAllowed(kind)
        return UploadForm(visitor, fields, name, content, int(length))

    read_upload.needs = kind  # type: ignore[attr-defined]
    return read_upload


async def _parts(request: Request, length: int) -> tuple[dict[str, str], str, bytes]:
    fields: dict[str, str] = {}
    name, content = "", b""
    async with request.form(max_fields=20, max_files=1, max_part_size=_FORM_AROUND) as sent:
        for key, value in sent.multi_items():
            if isinstance(value, UploadFile):
                name = value.filename or ""
                content = b"" if length > LARGEST + _FORM_AROUND else await value.read()
            else:
                fields.setdefault(key, value)
    return fields, name, content


class InvalidBook(ValueError):
    """A file that is no usable rule book. `file` is its name; the text says rule, field, what is allowed; `line` where, if known."""

    def __init__(self, file: str, why: str, line: int | None) -> None:
        super().__init__(why)
        self.file, self.why, self.line = file, why, line


def file_name(name: str) -> str:
    """What a file is called, without the folders that some browsers send."""
    return Path(name.replace("\\", "/")).name[:80] or "?"


def read_book(name: str, content: bytes) -> tuple[RuleBook, str]:
    """The rule book in a file that was sent, and its text. Raise NoBook."""
    file = file_name(name)
    try:
        text = skip_mark(content).decode()
    except UnicodeDecodeError:
        raise InvalidBook(file, "", None) from None
    try:
        return read(text), text
    except InvalidRuleBook as error:
        raise InvalidBook(file, str(error), find_line(text, str(error))) from None


def find_line(text: str, why: str) -> int | None:
    """The line of a rule book that a refusal speaks of: the key's, else the rule's; None where neither stands in it."""
    found = _SYNTAX.search(why)
    if found:
        return int(found[1])
    lines = text.splitlines()
    if why.endswith("(at end of document)"):
        return len(lines) or None
    named = _RULE.match(why)
    if named is None:
        key = why.partition(":")[0].partition(".")[0].split(" ")[0]
        return next((n for n, line in enumerate(lines, 1) if _is_key(line, key)), None)
    rule, part, key = named.groups()
    starts = [n for n, line in enumerate(lines) if line.strip() == "[[rule]]"] + [len(lines)]
    for begin, end in pairwise(starts):
        entry = lines[begin:end]
        if _has(entry, "id", rule) and (not part or _has(entry, "part", part)):
            inside = next((n for n, line in enumerate(entry, begin + 1) if _is_key(line, key.split(".")[0])), None)
            return inside or begin + 1
    return None


def _is_key(line: str, key: str) -> bool:
    name = line.partition("=")[0].strip().strip("[]")
    return bool(key) and name == key


def _has(entry: list[str], key: str, value: str) -> bool:
    return any(_is_key(line, key) and value == _value(line) for line in entry)


def _value(line: str) -> str:
    found = _QUOTED.search(line.partition("=")[2])
    return found[1] if found else ""
