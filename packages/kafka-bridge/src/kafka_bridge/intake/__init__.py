"""The way in: OTLP over gRPC and HTTP. Nothing is acknowledged before it is durable."""
