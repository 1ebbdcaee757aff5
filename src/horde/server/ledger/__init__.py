"""Kudos as a ledger: accounts with three pockets, and events whose postings sum to zero."""
