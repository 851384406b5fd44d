"""Builds everything once and wires it: the application, the open project's session, the handlers of the actions."""

from studio.app.plain_imports import read_no_sources

read_no_sources()  # here, before the many modules of the window are imported
