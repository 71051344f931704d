"""The deterministic state machines. They hear records and say events; they import no actor library, no I/O, and not each other."""
