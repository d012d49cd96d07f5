"""Texts of the data as they may be shown."""


def plain(text: str) -> str:
    """The text without letters that steer a terminal, which become such as ``\\u001b``."""
    return "".join(c if c.isprintable() or c == "\t" else f"\\u{ord(c):04x}" for c in text)


def plain_lines(text: str) -> str:
    """As :func:`plain`, line by line."""
    return "\n".join(map(plain, text.split("\n")))
