"""Reading topics from beginning to end, and writing records that are acknowledged."""
