"""A made-up city, province or nation that tells its facts as real offices do: seeded, streaming, in arrival order."""
