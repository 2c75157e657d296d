"""What happened, so that it can be shown later: records in a chain of hashes, and bundles that verify without us."""
