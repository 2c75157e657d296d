"""Everything that was seen, for years: Parquet files by day and zone, on a filesystem or in S3."""
