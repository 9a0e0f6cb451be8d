"""The door for applications: who may do what with which jobs, over HTTP on a unix socket."""
