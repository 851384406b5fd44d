"""The window: rail, pages, menus, status bar. It shows and lays out; ``studio.app`` decides."""
