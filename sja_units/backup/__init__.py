"""A host's jobs as one archive, and back: store -> archive -> plan -> restore."""
