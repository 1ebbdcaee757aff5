"""Programs that work on the source of the project; the product never imports them."""
