"""Mutation testing: is every line of the projections and of risk held by a test that would notice its change?

May import nothing of ours but its own table: it runs the tests on changed copies of the source.
"""
