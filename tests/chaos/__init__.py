"""The pipeline under faults: a seeded city lives while its parts are killed, stopped and cut off; then the judge counts."""
