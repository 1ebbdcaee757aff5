"""Other people's programs, real and running, by which our back ends are tried."""
