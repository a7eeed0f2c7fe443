"""What a running process says of itself on its page of metrics."""

import urllib.request

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample


def measured(port: int, name: str, seconds: float = 10) -> list[Sample]:
    """The samples of one name, each with its labels; none while nobody answers within `seconds`."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=seconds) as answer:
            text = answer.read().decode()
    except OSError:
        return []
    return [one for family in text_string_to_metric_families(text) for one in family.samples if one.name == name]
