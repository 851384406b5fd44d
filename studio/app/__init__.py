"""Builds everything once and wires it: the application, the open project's session, the handlers of the actions."""
