"""The command line: click on top of the core."""
