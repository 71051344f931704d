"""The seed's own code samples, run as they are written."""
