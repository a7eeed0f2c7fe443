"""A request's context, the limits on it, and what answers failures."""
