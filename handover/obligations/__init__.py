"""Who must answer what by when: a pure function of facts, rules and an instant."""
