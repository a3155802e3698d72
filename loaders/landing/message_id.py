"""Makes an id for a call that was sent without one: a hash of its content."""

import hashlib

from loaders.landing.strict_json import NestedTooDeep, join_members, members, write

# A retry repeats the content at another time.
_NOT_CONTENT = frozenset({"messageId", "sentAt", "receivedAt"})


def message_id(call: dict, text: bytes) -> str:
    """Return the SHA-256, as hex, of a call's own content with its keys sorted at every level.

    `call` is as it was sent, before it inherits from its batch; `text` is the same, verbatim.
    """
    content = {key: value for key, value in call.items() if key not in _NOT_CONTENT}
    try:
        return hashlib.sha256(write(content, sort_keys=True)).hexdigest()
    except NestedTooDeep:  # orjson reads deeper than it writes: hash the values as they were sent
        found = members(text)
        return hashlib.sha256(join_members({k: found[k] for k in sorted(content)})).hexdigest()
