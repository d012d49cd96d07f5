"""Settings of Spark for tests: tables have a handful of rows, and every process starts cold."""

TINY = {
    # One task instead of sixteen per shuffle.
    "spark.sql.shuffle.partitions": "1",
    "spark.default.parallelism": "1",
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.master": "local[2]",
    "spark.driver.memory": "1g",
    # No time is won by compiling well what runs once: half the CPU of a cold run (measured).
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
    # With its first compiler alone, Java keeps 48 MB of code unless told: full after some thirty
    # exports, and then it forgets code, interprets it and compiles it again all the time (half the
    # CPU of a golden vector, measured).
    "spark.driver.extraJavaOptions": (
        "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m -XX:+UseSerialGC -Xms1g"
    ),
}
