"""Publishers: which are silent or have gaps."""
