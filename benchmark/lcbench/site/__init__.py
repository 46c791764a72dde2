"""A static site of published reports, with the documentation beside them."""
