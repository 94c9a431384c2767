"""Echoes: radar SINR of terminals that illuminate their own targets while the others interfere."""
