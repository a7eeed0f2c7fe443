"""The rule book as data: who must answer what, by when, on which ground. The books are TOML in `books/`."""
