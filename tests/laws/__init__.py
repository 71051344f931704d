"""One law a file, held on generated streams."""
