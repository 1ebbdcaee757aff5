"""The worker: takes jobs of a horde, lets a back end make the pictures, hands them in."""
