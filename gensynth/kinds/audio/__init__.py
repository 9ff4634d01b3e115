"""Audio: clips of sound, as files in a folder for each class."""
