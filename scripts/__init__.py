"""The commands: the `perptape` command line, set-up and benchmarks. May import everything."""
