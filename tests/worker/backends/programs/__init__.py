"""Stand-ins for programs that do not run in every test: exchanges of the real ones, recorded and replayed."""
