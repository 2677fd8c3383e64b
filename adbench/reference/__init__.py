"""Certified truth by ball arithmetic, errors in ulp, and the judge of a method's answer."""
