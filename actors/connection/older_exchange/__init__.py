"""The older Exchange's client and feed: HMAC keys, and books whose evidence is their messages (api_mode=exchange)."""
