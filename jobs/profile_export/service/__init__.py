"""The service: Adobe's export calls over a durable job store, and workers that do the jobs.

Nothing here touches a DataFrame. The API process plans and records; a worker process, which has a
warm engine, runs :func:`profile_export.job.run_job`.
"""
