"""Finding things without trusting a resolver: from the root down, to each zone's own servers."""
