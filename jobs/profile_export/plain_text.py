"""Texts of the data as they may be shown."""


def plain(text: str) -> str:
    """The text without letters that steer a terminal, which become such as ``\\u001b``."""
    return "".join(c if c.isprintable() or c == "\t" else _told(c) for c in text)


def plain_lines(text: str) -> str:
    """As :func:`plain`, line by line."""
    return "\n".join(map(plain, text.split("\n")))


def plain_json(text: str) -> str:
    """As :func:`plain_lines`, of JSON, which stays JSON of the same content."""
    return "".join(c if c.isprintable() or c == "\n" else _in_json(c) for c in text)


def _told(letter: str) -> str:
    number = ord(letter)
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"


def _in_json(letter: str) -> str:
    """Letters beyond four digits are two halves there."""
    halves = letter.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{halves[at : at + 4]}" for at in range(0, len(halves), 4))
