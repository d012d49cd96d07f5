"""Answers of the embedded engine that arrive damaged are asked for once more.

Seen twice, in suites that passed many times: gRPC could not read a setting's answer ("Wire format
was corrupt"). Four hundred thousand such calls made to provoke it did not.
"""

from collections.abc import Iterator

import grpc
from pyspark.sql.connect.client.retries import RetryPolicy


class DamagedAnswer(RetryPolicy):
    """Repeats a call whose single answer could not be read, and no other.

    Settings, plans to be analysed and interrupts can be told twice. An execution, whose answers are
    a stream, fails as before: Sail cannot go on with one that it has answered.
    """

    def can_retry(self, exception: BaseException) -> bool:
        return (
            isinstance(exception, grpc.RpcError)
            and not isinstance(exception, Iterator)  # a stream is raised as its own error
            and exception.code() == grpc.StatusCode.INTERNAL
            and exception.details() == "Exception deserializing response!"
        )
