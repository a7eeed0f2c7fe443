"""Words, dates and pictures of a page, in both languages."""
