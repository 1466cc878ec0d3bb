"""Every second of an iteration accounted for: legs and waits, the critical path, and what would shorten it."""
