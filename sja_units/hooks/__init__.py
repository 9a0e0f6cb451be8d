"""What a unit's hooks do, by the system's own Python and its standard library alone.

They have to work where the virtual environment does not, so nothing here imports anything of
sja_units but its neighbours, nor what takes long to load: typing, signal, socket, subprocess.
"""
