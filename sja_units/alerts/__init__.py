"""Who is told of a job that needs a person: a look at all jobs, whenever there is news."""
