"""What schemathesis is told beyond the document: the one 5xx that is an answer and not a fault, and lines of JSON."""

import schemathesis

# Lines of JSON are sent as they are generated: as bytes.
schemathesis.serializer.alias("application/x-ndjson", "application/octet-stream")


@schemathesis.check
def no_fault_of_ours(ctx, response, case):
    """503 is allowed only as `not_configured`: the tenant has no number that could do what was asked."""
    if response.status_code < 500:
        return
    try:
        error = response.json()["error"]
    except (ValueError, KeyError, TypeError):
        error = None
    code = error["code"] if isinstance(error, dict) else None
    if response.status_code != 503 or code != "not_configured":
        raise AssertionError(f"{response.status_code} {code}: a fault of ours")
