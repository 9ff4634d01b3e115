"""Tables: rows with a schema, and what only tables can know."""
