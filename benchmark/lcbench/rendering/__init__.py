"""Everything a person reads: Markdown, the terminal, plots."""
