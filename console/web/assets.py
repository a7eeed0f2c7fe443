"""What browsers load: our own stylesheet and script, and htmx as npm installed it. Nothing comes from another host."""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "static"
_FILES: Mapping[str, tuple[str, str]] = {
    "console.css": ("console.css", "text/css; charset=utf-8"),
    "console.js": ("console.js", "text/javascript; charset=utf-8"),
    "boot.js": ("boot.js", "text/javascript; charset=utf-8"),
    "feed.js": ("feed.js", "text/javascript; charset=utf-8"),
    "mark.svg": ("mark.svg", "image/svg+xml"),
    "htmx.js": ("node_modules/htmx.org/dist/htmx.min.js", "text/javascript; charset=utf-8"),
    "uplot.js": ("node_modules/uplot/dist/uPlot.iife.min.js", "text/javascript; charset=utf-8"),
    "uplot.css": ("node_modules/uplot/dist/uPlot.min.css", "text/css; charset=utf-8"),
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, packed once; its version is part of its address, so a browser may keep it for ever."""

    body: bytes
    packed: bytes
    content_type: str
    version: str


@cache
def asset(name: str) -> Asset | None:
    """A file by its name; None where there is none, also where npm has not been run: pages work without scripts."""
    path, content_type = _FILES.get(name, ("", ""))
    if not path or not (FOLDER / path).is_file():
        return None
    body = (FOLDER / path).read_bytes()
    return Asset(body, gzip.compress(body, 9, mtime=0), content_type, hashlib.sha256(body).hexdigest()[:12])


def address(name: str) -> str:
    """Where a page finds it; empty where it is missing."""
    found = asset(name)
    return f"/static/{name}?v={found.version}" if found is not None else ""
