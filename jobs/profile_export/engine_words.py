"""What an error of an engine says, asked once: py4j asks the JVM for it, which may have ended."""

import re
from dataclasses import dataclass

_JVM_ENDED = re.compile(
    r"Error while sending or receiving|Answer from Java side is empty|stopped SparkContext"
    r"|SparkContext (was|has been) shut ?down|dagScheduler\(\)\" is null"
)


@dataclass(frozen=True)
class EngineWords:
    """The words of an error.

    Attributes:
        text: All of them; of an error that nobody can be asked about, those of the asking.
        mute: Whether nobody can be asked: the JVM that knows the error has ended, or the error is
            that it does not answer.
        kind: The name of the error's class.
    """

    text: str
    mute: bool
    kind: str

    @property
    def of_ended_jvm(self) -> bool:
        """Whether the error is that the JVM has ended, or is about to."""
        return self.mute or _JVM_ENDED.search(self.root_cause) is not None

    @property
    def root_cause(self) -> str:
        """The last cause's own first line, without class names of Java and frames of any kind."""
        details = re.search(r'details = "([^"\n]+)', self.text)  # gRPC's own rendering
        if details:
            return details[1][:400]
        lines = self.text.splitlines()
        causes = re.findall(r"^Caused by: (.+)$", self.text, re.MULTILINE)
        line = causes[-1] if causes else next((x for x in lines if x.strip()), "")
        if line.startswith("An error occurred while calling"):
            line = lines[1].removeprefix(": ") if len(lines) > 1 else line
        plain = re.sub(r"^(?:[a-z_]\w*\.)+[A-Z]\w*(?:Exception|Error): ", "", line.strip())
        return (plain or self.kind)[:400]


def said(error: BaseException) -> EngineWords:
    """The words of an error, whichever engine it is of."""
    kind = type(error).__name__
    try:
        return EngineWords(str(error), mute=isinstance(error, ConnectionError), kind=kind)
    except Exception as refused:
        return EngineWords(str(refused), mute=True, kind=kind)
