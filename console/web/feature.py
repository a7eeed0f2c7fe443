"""What a folder of the console declares of itself; console/app.py lists them."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from fastapi import APIRouter, FastAPI

from console.auth.permissions import Role


@dataclass(frozen=True, slots=True)
class Page:
    """A kind of pages that a role has or lacks: its routes depend on `page(name)`.

    `menu`: its address, where the menu leads to it; `covers`: other addresses that belong to this entry of the menu.
    """

    name: str
    roles: Sequence[Role]
    menu: str = ""
    covers: Sequence[str] = ()

    def is_current(self, path: str) -> bool:
        """Whether a page at this path belongs to the entry of the menu."""
        return any(path == one or path.startswith(f"{one}/") for one in (self.menu, *self.covers))


@dataclass(frozen=True, slots=True)
class Feature:
    """Pages in the order of the menu, routes, and what is kept from the start of the console to its end."""

    name: str
    routers: Sequence[APIRouter]
    pages: Sequence[Page] = ()
    keep: Callable[[FastAPI], AbstractContextManager[None]] | None = None
