"""Whether exported schemas may follow earlier ones: what other teams build on changes only by adding."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from schemas.export.json_schema import Document

Schema = Mapping[str, Any]
# keyword -> whether the new limit admits everything that the old one did
_FLOORS = ("minimum", "exclusiveMinimum", "minLength", "minItems")
_CEILINGS = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")
_FIXED = ("pattern", "format", "const")
_WIDER = {"integer": {"integer", "number"}}


def breaks(old: Mapping[str, Document], new: Mapping[str, Document]) -> list[str]:
    """What no longer holds in the new documents that held in the old ones, one line each; empty: compatible.

    Documents by the names of their files, as `schemas.export.export.read` gives them. Told are: a type, channel, operation or
    field that is gone, a field that became required or (in what we write) optional, a code that is gone, a narrower
    type, form or range.
    """
    found: list[str] = []
    for name, document in old.items():
        if name not in new:
            found.append(f"{name}: is gone")
        elif "asyncapi" in document:
            found += _gone_parts(name, document, new[name])
        else:
            found += _Comparison(document, new[name], written=_is_written(document)).told(name)
    return found


def _is_written(document: Document) -> bool:
    """Whether we write what this schema describes, so that readers rely on its fields."""
    source = document.get("properties", {}).get("source", {})
    return "const" in source or "source" not in document.get("properties", {})


def _gone_parts(name: str, old: Document, new: Document) -> Iterator[str]:
    for part in ("channels", "operations"):
        for one, content in old[part].items():
            if one not in new[part]:
                yield f"{name}: {part}.{one} is gone"
            elif content.get("address") != new[part][one].get("address"):
                yield f"{name}: {part}.{one} has another address"


class _Comparison:
    """Two documents, walked together."""

    def __init__(self, old: Document, new: Document, *, written: bool) -> None:
        self.old, self.new, self.written = old, new, written

    def told(self, name: str) -> list[str]:
        return list(self._node(self.old, self.new, name))

    def _node(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        old, new = _resolved(old, self.old), _resolved(new, self.new)
        if "anyOf" in old or "anyOf" in new:
            yield from self._alternatives(old, new, path)
            return
        yield from _narrowed(old, new, path)
        kinds = _types(old)
        if "object" in kinds:
            yield from self._fields(old, new, path)
        for keyword, kind in (("items", "array"), ("additionalProperties", "object")):
            if kind in kinds:
                yield from self._inner(old.get(keyword, True), new.get(keyword, True), f"{path}.{keyword}")

    def _inner(self, old: Schema | bool, new: Schema | bool, path: str) -> Iterator[str]:
        if new is True or old is False:
            return
        if new is False:
            yield f"{path}: is no longer allowed"
        else:
            yield from self._node({} if old is True else old, new, path)

    def _alternatives(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        """Each old alternative must be admitted by a new one."""
        for number, before in enumerate(old.get("anyOf", [old])):
            told = [list(self._node(before, after, path)) for after in new.get("anyOf", [new])]
            if all(told):
                best = min(told, key=len)
                yield from best if len(told) == 1 else [f"{path}: alternative {number + 1} is no longer allowed", *best]

    def _fields(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        before, after = old.get("properties", {}), new.get("properties", {})
        required, now_required = set(old.get("required", ())), set(new.get("required", ()))
        for field in sorted(now_required - required):
            yield f"{path}.{field}: became required"
        if self.written:
            for field in sorted((required - now_required) & set(after)):
                yield f"{path}.{field}: may now be absent"
        for field, schema in before.items():
            if field in after:
                yield from self._node(schema, after[field], f"{path}.{field}")
            else:
                yield f"{path}.{field}: is gone"


def _resolved(schema: Schema, root: Document) -> Schema:
    reference = schema.get("$ref")
    if reference is None:
        return schema
    found: Schema = root["$defs"][reference.removeprefix("#/$defs/")]
    return found


def _narrowed(old: Schema, new: Schema, path: str) -> Iterator[str]:
    gone = _types(old) - {wide for one in _types(new) for wide in (one, *_narrower_than(one))}
    for kind in sorted(gone):
        yield f"{path}: type {kind} is no longer allowed"
    if gone == _types(old):
        return  # limits of another kind of value narrow nothing
    if "enum" in new:
        for code in [None] if "enum" not in old else [code for code in old["enum"] if code not in new["enum"]]:
            yield f"{path}: code {code} is gone" if code is not None else f"{path}: only listed codes are allowed now"
    for keyword in _FIXED:
        if keyword in new and new[keyword] != old.get(keyword):
            yield f"{path}: {keyword} changed"
    for keyword in (*_FLOORS, *_CEILINGS):
        if keyword in new and (keyword not in old or _is_tighter(keyword, old[keyword], new[keyword])):
            yield f"{path}: {keyword} is narrower"


def _is_tighter(keyword: str, old: float, new: float) -> bool:
    return new > old if keyword in _FLOORS else new < old


_ALL: Sequence[str] = ("array", "boolean", "integer", "null", "number", "object", "string")


def _types(schema: Schema) -> set[str]:
    told = schema.get("type")
    if told is None:
        return {_type_of(schema["const"])} if "const" in schema else set(_ALL)
    return {told} if isinstance(told, str) else set(told)


def _type_of(value: object) -> str:
    return "string" if isinstance(value, str) else "null" if value is None else "object"


def _narrower_than(kind: str) -> set[str]:
    return {narrow for narrow, wide in _WIDER.items() if kind in wide}
