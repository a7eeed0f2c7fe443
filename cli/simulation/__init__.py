"""A made-up county, city, province or nation that tells its facts as real offices do: seeded, streaming, in arrival order."""
