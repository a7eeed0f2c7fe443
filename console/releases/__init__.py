"""Weeks ahead: who is released in the next 28 days, and what the handover still lacks."""
