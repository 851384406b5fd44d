"""Fetching one file, from a server or a folder: whole, checked, and going on where it stopped."""
