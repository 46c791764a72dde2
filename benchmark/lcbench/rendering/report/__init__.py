"""What `lcbench report` writes, and the table that `lcbench run` ends with."""
