"""Keeps passwords and tokens out of what is shown and of what is stored.

In: text that may hold addresses. Out: the same without what may be a secret.
"""

from __future__ import annotations

# Everything before the @ of an address can be a password (pip shows the name, hides the rest; a
# token is often the name). pip's --proxy takes an address without its scheme.
_CREDENTIALS = r"(?P<start>//)(?!git@)[^\s/]+@|(?P<bare>^|=)[^\s/@=:]+:[^\s/]*@"
_QUERY_VALUE = r"(?<=[?&])([\w.-]+)=[^&#\s]+"
_USER_OR_QUERY = r"(?<=//)(?!git@)[^\s/?#]*@|\?[^#]*"


def mask_secrets(text: str) -> str:
    """Return the text with what may be a password in an address replaced by stars."""
    if "@" not in text and "://" not in text:
        return text
    import re

    text = re.sub(_CREDENTIALS, lambda found: f"{found['start'] or found['bare']}****@", text)
    return re.sub(_QUERY_VALUE, r"\1=****", text) if "://" in text else text


def strip_secrets(url: str) -> str:
    """Return an address that can still be asked: without its user, password and query."""
    if "://" not in url or not ("@" in url or "?" in url):
        return url
    import re

    return re.sub(_USER_OR_QUERY, "", url)
