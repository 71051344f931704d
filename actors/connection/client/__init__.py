"""The REST surface: `coinbase` is the table of contents; each family of requests is a module, its replies beside it."""
