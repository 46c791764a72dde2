"""Why a model answers as it does: attributions, and whether they can be believed."""
