"""GET /: what this is, for a person who opens the address in a browser."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from app.version import VERSION

router = APIRouter(include_in_schema=False)
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"
_PAGE: Final = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>icd-cascade</title>
<style>
  body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 42rem; margin: 3rem auto; padding: 0 1rem; }}
  pre {{ background: #8882; padding: .8rem; overflow-x: auto; }}
  :root {{ color-scheme: light dark; }}
</style>
</head>
<body>
<h1>icd-cascade {VERSION}</h1>
<p>A clinical note goes in; ranked ICD codes with the words that justify them come out.
The codes are suggestions for a person to check. Notes are not stored and not logged.</p>
<pre>curl -s -H 'Content-Type: application/json' \\
  -d '{{"text": "Assessment: gouty arthritis of the left knee."}}' \\
  http://localhost:8080/v1/code</pre>
<ul>
<li><a href="/openapi.json">openapi.json</a>: every request and answer</li>
<li><a href="/v1/info">/v1/info</a>: what is loaded, and the limits</li>
<li><a href="/v1/codes?q=gout">/v1/codes?q=gout</a>: search the code set</li>
<li><a href="/readyz">/readyz</a>, <a href="/livez">/livez</a>, <a href="/metrics">/metrics</a>: for operators</li>
</ul>
</body>
</html>
"""


@router.get("/")
async def page() -> HTMLResponse:
    """A static page without scripts."""
    return HTMLResponse(_PAGE, headers={"Content-Security-Policy": _POLICY})
