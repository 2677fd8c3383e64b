"""The asv suite: one module, one class, nothing timed here."""
