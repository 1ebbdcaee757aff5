"""A horde in simulated time: the product's own rules, lanes and ranks decide, and only PostgreSQL is played.

`fleet.py` and `demand.py` state who works and who asks, `queue.py` stands in for the heads of the lanes that PostgreSQL
would give, `horde.py` lets it all happen in the order of time, `tally.py` keeps the books of it.
`make simulate` runs it.
"""
