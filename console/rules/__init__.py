"""Rule books, changes to them, and what-if runs."""
