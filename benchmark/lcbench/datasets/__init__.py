"""Images and labels: manifests, decoding, the embedded demonstration set."""
