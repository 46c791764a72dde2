"""Plan, execute, resume and store the runs of a suite."""
