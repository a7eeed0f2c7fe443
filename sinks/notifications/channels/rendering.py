"""A message as text and as HTML."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from sinks.notifications.message import Message

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent.parent / "templates"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render_text(message: Message) -> str:
    """Plain text."""
    return _TEMPLATES.get_template("message.txt").render(message=message)


def render_html(message: Message) -> str:
    """HTML without anything that is loaded from elsewhere."""
    return _TEMPLATES.get_template("message.html").render(message=message)
