"""The bus on Kafka: its topics, and a stage for each step between them."""
