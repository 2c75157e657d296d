"""The contract as files: `event.avsc`, `event.proto`, and what protoc made of it. Nothing else enters."""
