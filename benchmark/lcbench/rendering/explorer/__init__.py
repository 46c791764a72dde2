"""The page to explore: `index.html`, one file that opens without a server and without a network."""
