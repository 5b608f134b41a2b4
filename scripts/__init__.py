"""The command lines: arguments in, one call, files out."""
