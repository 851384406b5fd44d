"""The filmstrip: every image of the project as a thumbnail, filtered, scrubbed fast."""
