"""The scripts of a page: Vega in one piece, and the security policy that lets these alone run."""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Sequence

__all__ = ["bundle", "policy"]


def policy(scripts: Sequence[str]) -> str:
    """Content security policy: these very scripts and nothing else, and nothing from anywhere."""
    hashes = (base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts)
    allowed = " ".join(f"'sha256-{h}'" for h in hashes)
    return f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:"


@functools.cache
def bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script; takes over a second to make."""
    import vl_convert

    script: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")
