"""The local exchange: its books, its venue without sockets, and the whole of it over real ones."""
