"""Bytes of one DNS message out, bytes of one back: UDP, TCP, TLS, HTTPS, QUIC. Nothing here reads an answer."""
