"""Questions in words: a language model on a server turns them into SQL. Nothing is sent without a key."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any

from engine.runtime.downloads import is_offline
from engine.runtime.errors import ConfigError
from engine.runtime.settings import settings

ADDRESS = "https://api.openai.com/v1"
MODEL = "gpt-4o-mini"
_TIMEOUT_S = (10, 60)
_FENCE = re.compile(r"```(?:sql)?\s*(.*?)```", re.DOTALL | re.IGNORECASE)

_TASK = (
    "You write SQLite. The one table is called 'table' and has a row for each image, with the columns {columns}. "
    "labels is a JSON list of the class names of the objects in the image, cls one of their numbers, bboxes one of "
    "corners [x1, y1, x2, y2] in pixels, objects is how many there are. The classes are: {names}. "
    "Answer the question with one SELECT * FROM 'table' WHERE ... and nothing else. "
    "An image with a person has labels LIKE '%\"person\"%'; count objects of a class with json_each(labels)."
)


def ask_for_sql(question: str, columns: Sequence[str], names: Sequence[str]) -> str:
    """Return the SQL that a language model makes of a question.

    Args:
        question: In words.
        columns: Of the table.
        names: Of the classes.

    Raises:
        ConfigError: There is no key, the network is switched off, or the server gave no answer.
    """
    key = os.environ.get("OPENAI_API_KEY") or settings["openai_api_key"]
    if not key:
        raise ConfigError(
            "questions in words need the key of a language model's service, and none is set.",
            remedy="Set OPENAI_API_KEY or the setting openai_api_key, or ask in SQL with sql_query().",
        )
    address = os.environ.get("OPENAI_BASE_URL", ADDRESS).rstrip("/")
    if is_offline():
        raise ConfigError(
            "questions in words need the network, which is switched off (setting or variable offline).",
            remedy="Ask in SQL with sql_query().",
        )
    task = _TASK.format(columns=", ".join(columns), names=", ".join(names))
    asked = {
        "model": os.environ.get("OPENAI_MODEL", MODEL),
        "messages": [
            {"role": "system", "content": task},
            {"role": "user", "content": question},
        ],
    }
    return parse_answer(_post(f"{address}/chat/completions", asked, key))


def parse_answer(text: str) -> str:
    """Return the SQL of an answer, without the fence and the words around it.

    Raises:
        ConfigError: There is none.
    """
    fenced = _FENCE.search(text)
    sql = (fenced.group(1) if fenced else text).strip()
    if not re.match(r"(select|where|with)\b", sql, re.IGNORECASE):
        raise ConfigError(
            f"the language model answered with no SQL: {text[:200]!r}.",
            value=text,
            remedy="Ask more plainly, or in SQL with sql_query().",
        )
    return sql


def _post(address: str, asked: dict[str, Any], key: str) -> str:
    """Send a question and return the text of the answer."""
    import requests

    try:
        answer = requests.post(
            address, json=asked, headers={"Authorization": f"Bearer {key}"}, timeout=_TIMEOUT_S
        )
        answer.raise_for_status()
        text = answer.json()["choices"][0]["message"]["content"]
    except (requests.RequestException, ValueError, LookupError, TypeError) as error:
        status = getattr(getattr(error, "response", None), "status_code", None)
        reason = f"status {status}" if status else type(error).__name__
        raise ConfigError(
            f"the language model's service at {address} gave no answer ({reason}).",
            remedy="Look at the key, the connection and OPENAI_BASE_URL, or ask in SQL with sql_query().",
        ) from error
    return str(text)
