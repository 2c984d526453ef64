"""Writes what `--json` prints, and knows its schemas.

In: a document, or a list of them. Out: JSON on stdout, two columns for each level, ASCII. Within
one `format` keys may be added, and none is removed or changes its meaning.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence

from pipguard.system.streams import write_output

FORMAT = 1
_SCHEMAS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "schemas.json")


def write_document(document: Mapping[str, object]) -> None:
    """Print one document."""
    write_output(json.dumps({"format": FORMAT, **document}, indent=2) + "\n")


def write_documents(documents: Sequence[Mapping[str, object]]) -> None:
    """Print a list; each element has its format, so that it can be read alone."""
    elements = [{"format": FORMAT, **document} for document in documents]
    write_output(json.dumps(elements, indent=2) + "\n")


def read_schemas() -> dict[str, dict[str, object]]:
    """Return the JSON schema (2020-12) of each verb's output, by the verb's name."""
    with open(_SCHEMAS, encoding="utf-8") as file:
        found: dict[str, dict[str, object]] = json.load(file)
    return found
