"""Addresses of files: joining them and showing them without their secrets."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit


def join_address(base: str, name: str) -> str:
    """Return the address of the file ``name`` in a folder, which is a URL or a path."""
    if "://" not in base:
        return str(Path(base).expanduser().absolute() / name)
    return f"{base.rstrip('/')}/{quote(name)}"


def shown_url(url: str) -> str:
    """Return an address without user name, password and query, for people and logs."""
    if "://" not in url:
        return url
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment=""))
