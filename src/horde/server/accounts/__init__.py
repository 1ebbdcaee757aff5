"""Who is who: users, their keys, registration."""
