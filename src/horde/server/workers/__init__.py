"""Workers: who checks in, what they offer, what they have done."""
