"""The `edgesweep` command: parse, call, print; docs/cli.md says what goes where."""
