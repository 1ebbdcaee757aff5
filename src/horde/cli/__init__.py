"""The command line `horde`: one file a command, loaded only when that command is called."""
