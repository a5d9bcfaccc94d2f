"""The cost of a month of the stack."""
