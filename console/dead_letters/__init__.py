"""Dead letters by reason and publisher, and their redrive."""
