"""Persons under a handover, and their timeline."""
