"""Videos as pictures on disk: what a video is, which of its frames to take, and the sequence that they make. Loads no torch."""
