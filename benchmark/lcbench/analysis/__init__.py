"""From aligned predictions to numbers: scores, comparisons, claims, external folders."""
