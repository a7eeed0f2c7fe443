"""The JSON API under /api/v1, over the queries of the features."""
