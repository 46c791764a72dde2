"""The kinds a recipe can name: backbones, heads, hierarchies and shortcuts."""
