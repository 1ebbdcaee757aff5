"""Pictures outside the database: the objects, the links that let strangers put and get them, the check of what came."""
