"""What ``verify`` finds in the log and in the files of a finished job."""
