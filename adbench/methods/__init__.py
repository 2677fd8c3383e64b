"""Methods: one tool a file; each module offers the list `METHODS` and imports its tool inside functions."""
