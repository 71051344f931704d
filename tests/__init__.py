"""The promises: every test is named after the rule it holds."""
