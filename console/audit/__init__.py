"""The audit log: a chain of records, its verification, its pages."""
