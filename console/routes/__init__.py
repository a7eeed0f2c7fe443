"""The pages and what they send, one module for each kind of page."""
