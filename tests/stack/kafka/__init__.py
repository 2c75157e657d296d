"""One Kafka broker in KRaft mode on loopback, with a listener for each way in that users have."""
