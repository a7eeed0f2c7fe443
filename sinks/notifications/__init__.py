"""Notices: who is told of an alert, when and how. Reads the alert topic, keeps its log and its positions in SQL, and sends."""
