"""What people mark containers with: keys and values that mean something to them and nothing to Skerry."""

import re
import unicodedata

MOST = 64
_KEY = re.compile(r"[a-z0-9][a-z0-9._/-]{0,62}")
_LONGEST_VALUE = 255
# Categories of Unicode: control, surrogate, line and paragraph separator.
_CONTROL = {"Cc", "Cs", "Zl", "Zp"}


def check_labels(value: dict[str, str]) -> dict[str, str]:
    """Refuse keys and values that no list and no group of an inventory could show; sorted by key."""
    if len(value) > MOST:
        raise ValueError(f"there are {len(value)} labels; give at most {MOST}")
    for key, text in value.items():
        if not _KEY.fullmatch(key):
            raise ValueError(
                f"{key[:60]!r} is not a key; give at most 63 lower-case letters, digits, dots, dashes, slashes and "
                "underscores, a letter or digit first"
            )
        if len(text) > _LONGEST_VALUE:
            raise ValueError(f"the value of {key} has {len(text)} characters; give at most {_LONGEST_VALUE}")
        if any(unicodedata.category(one) in _CONTROL for one in text):
            raise ValueError(f"the value of {key} has a control character; give one line of plain text")
    return dict(sorted(value.items()))
