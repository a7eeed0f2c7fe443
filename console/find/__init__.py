"""One search over everything that an office may know of."""
