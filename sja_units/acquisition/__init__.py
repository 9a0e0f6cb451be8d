"""Acquisition: config -> plan -> poll -> decode -> spool -> sink, in one direction."""
