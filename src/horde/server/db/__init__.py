"""PostgreSQL: connections and transactions, named queries, migrations, hints between nodes, the embedded server."""
