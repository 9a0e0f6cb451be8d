"""Jobs that keep a web session alive."""
