"""Golden timelines: a folder each, with why in words (README.md), events.jsonl and expected.jsonl."""
