"""Figures: what is counted, what is left out, and the rows behind each number. SQL and numbers only; words are the routes' matter."""
