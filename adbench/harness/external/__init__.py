"""Programs in other languages as tools, over GradBench's JSON-lines protocol (``docs/external.md``).

They time themselves, so that nothing of the worker and its stopwatch applies to them; what they answer
is judged against the same certified truth. `payloads` says which functions both sides define alike.
"""
