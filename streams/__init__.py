"""The stream worker on Faust: the only writer of cases and alerts."""
