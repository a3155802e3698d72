"""The id of a call whose sender gave none: a hash of what it says."""

import hashlib

from loaders.strict_json import NestedTooDeep, join_members, members, write

# A retry says the same at another time.
_NOT_CONTENT = frozenset({"messageId", "sentAt", "receivedAt"})


def message_id(call: dict, text: bytes) -> str:
    """The SHA-256, as hex, of a call's own content with its keys sorted at every level.

    `call` is as it was sent, before it inherits from its batch; `text` is the same, verbatim.
    """
    content = {key: value for key, value in call.items() if key not in _NOT_CONTENT}
    try:
        return hashlib.sha256(write(content, sort_keys=True)).hexdigest()
    except NestedTooDeep:  # for the writer, not for the reader: then the values as they were sent
        found = members(text)
        return hashlib.sha256(join_members({k: found[k] for k in sorted(content)})).hexdigest()
