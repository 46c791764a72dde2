"""Models compared by their prediction files, whatever tool wrote them."""
