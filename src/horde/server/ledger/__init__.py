"""Kudos as a ledger: accounts, and transfers between two of them, so that the sum over all is always zero."""
