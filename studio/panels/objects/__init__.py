"""The shapes of the current image as a list."""
