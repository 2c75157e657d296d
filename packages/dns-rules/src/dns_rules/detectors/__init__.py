"""One file a detector: sealed state in, conditions out. A detector never sees an event or a clock."""
