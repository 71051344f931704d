"""The rules by name: each rule of trading, and each fault of an older system that is not repeated, is a test."""
