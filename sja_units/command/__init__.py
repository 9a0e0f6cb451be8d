"""Any program as a job: config -> program, watched by a probe or by its own sd_notify."""
