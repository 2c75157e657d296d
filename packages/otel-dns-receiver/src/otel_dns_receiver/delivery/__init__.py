"""From events to the OTLP endpoint: encoded once, kept on disk until delivered, counted where they are lost."""
