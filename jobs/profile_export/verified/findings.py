"""What verification says of one file, folder or log that is not as the manifest has it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One difference.

    Attributes:
        code: Our name for it, stable (``file-content``).
        file: What is meant, relative to the dataset.
        detail: What is wrong with it; reads on after the name.
    """

    code: str
    file: str
    detail: str

    def as_json(self) -> dict[str, str]:
        return {"code": self.code, "file": self.file, "detail": self.detail}

    def __str__(self) -> str:
        return f"{printable(self.file)} {self.detail}"


def printable(text: str) -> str:
    """A name on one line, whatever somebody has put in it: quoted where it is no plain name."""
    return text if text.isprintable() and text.strip() == text != "" else repr(text)
