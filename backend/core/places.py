"""Where things lie on the server is nobody else's business: what leaves it names them without the
way."""

import re
from typing import Any

WAY = re.compile(r"(?<![\w/.<])(?:~|[A-Za-z]:)?[/\\](?![/\\\s])(?:[^/\\\s'\",;]+[/\\])*(?=[\w.])")
SIGNED = re.compile(r"(?<=://)[^/@\s]+@")  # a name and password before a host
LEFT = "…/"


def hidden(text: str) -> str:
    """A text in which of each absolute path only its last part is left, and addresses have no
    password."""
    return WAY.sub(LEFT, SIGNED.sub("", text))


def values(settings: Any) -> Any:
    """Settings or results as JSON has them, so."""
    if isinstance(settings, str):
        return hidden(settings)
    if isinstance(settings, dict):
        return {name: values(value) for name, value in settings.items()}
    return [values(value) for value in settings] if isinstance(settings, list) else settings
