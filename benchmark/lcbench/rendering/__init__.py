"""Everything that a person reads.

`report` (a suite), `comparison` (models) and `audit` (a data set) make what their commands write
and print; `terminal` and `validation` what the other commands print. They share `templates`,
`plots`, the words of `words`, the numbers of `formats`, and `markdown` with `pages`, where nothing
from outside becomes mark-up. `places` says where may be written.
"""
