"""Which colour a protocol has, on plots and on pages: by its role in the suite."""

from __future__ import annotations

from lcbench.analysis.results import Results

FLATTERING, LEAKAGE_FREE = 0, 1
SERIES = 5
"""Colours of protocols."""


def series(results: Results, protocol: str) -> int:
    """Return the number of a protocol's colour; those without a role have the others in turn."""
    roles = {results.roles.flattering: FLATTERING, results.roles.leakage_free: LEAKAGE_FREE}
    if protocol in roles:
        return roles[protocol]
    others = [one.protocol for one in results.protocols if one.protocol not in roles]
    return 2 + others.index(protocol) % (SERIES - 2)
