"""Offline uses of the same domain code: replay, verification, what-if, indicators of punctuality."""
