"""Settings of Spark for tests: tables have a handful of rows, and every process starts cold."""

QUICK_JAVA = " ".join(
    (
        # No time is won by compiling well what runs once, nor by verifying Spark's own code.
        "-XX:TieredStopAtLevel=1",
        "-XX:+UnlockDiagnosticVMOptions -XX:-BytecodeVerificationRemote",
        # With that compiler Java keeps 48 MB of code unless told: full after some thirty exports,
        # and then it forgets code, interprets it and compiles it again (a third of the CPU).
        "-XX:ReservedCodeCacheSize=256m",
        # No full collections while classes are loaded: four in the first seconds.
        "-XX:MetaspaceSize=256m",
        "-XX:+UseSerialGC",
    )
)
"""Options of Java for what starts cold, and then does hundreds of small things."""

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
    "spark.driver.extraJavaOptions": QUICK_JAVA,
}
