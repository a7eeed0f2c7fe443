"""What is known: one fact, the set of facts of a subject, and facts that concern other subjects."""
