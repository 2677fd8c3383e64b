"""Two methods as asv would time them; the row and the method come from the environment."""
