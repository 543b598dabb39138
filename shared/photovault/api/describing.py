"""The OpenAPI document as FastAPI writes it, corrected where the edge answers otherwise: problems. Pure."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from photovault import scopes
from photovault.api.examples import with_examples
from photovault.api.schemas import PROBLEM_TYPE, TYPE_BASE, Problem

METHODS = frozenset({"get", "put", "post", "delete", "patch"})
API_KEY = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "pv_ and 49 letters and digits",
    "description": "An API key, for programs. It may do what its scopes say; each operation names the one that it "
    "needs, and those that name none are for sessions alone.\n\n"
    + "\n".join(f"- `{scope}`: {meaning}" for scope, meaning in scopes.MEANINGS.items()),
}
LICENCE = {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"}
TAGS = {
    "auth": "Accounts, sessions, two-step log-in, and keys for programs.",
    "images": "Photos: adding, listing, showing, editing and deleting them.",
    "search": "Finding photos by words, and by another picture.",
    "albums": "Albums that make themselves, by hand, and smart ones; each says why.",
    "people": "Who is on the photos, and corrections that later photos respect.",
    "shares": "Links for people without an account.",
    "shared with you": "What whoever has such a link sees.",
    "sync": "What changed, for copies that keep up, and posts to an address of yours when something did.",
    "exports": "Everything, to take along.",
    "dashboard": "Figures about a vault.",
    "jobs": "Work that takes longer than an answer.",
    "delivery": "Sealed files, where the storage does not give them out itself.",
    "health": "Whether the vault is up.",
}
_PROBLEM = {"$ref": "#/components/schemas/Problem"}


def completed(document: dict[str, Any]) -> dict[str, Any]:
    """The document in which every error is a problem, those that the edge itself answers are named, and so are scopes;
    with what its tags mean, and an example of everything.

    401 and 403 where a token is asked for, 400 and 413 where a body is read, 409 where a key makes a request count
    once, 429 where attempts are counted (with wrong keys, too), and 503.
    """
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= {**problem.pop("$defs"), "Problem": problem}
    document["components"].setdefault("securitySchemes", {})["apiKey"] = API_KEY
    for path, methods in document["paths"].items():
        for method in METHODS & methods.keys():
            operation = methods[method]
            needed = scopes.NEEDED.get(operation["operationId"])
            if operation.get("security") and needed is not None:
                operation["security"] = [*operation["security"], {"apiKey": [needed]}]
            responses = operation["responses"]
            for status in _from_the_edge(path, operation):
                responses.setdefault(status, {})
            for status, response in responses.items():
                if status.startswith(("4", "5")):
                    pages = {name: kept for name, kept in response.get("content", {}).items() if name == "text/html"}
                    response["content"] = {PROBLEM_TYPE: {"schema": _PROBLEM}} | pages
                    if response.get("description", "Validation Error") == "Validation Error":
                        response["description"] = HTTPStatus(int(status)).phrase
            operation["responses"] = dict(sorted(responses.items()))
    for methods in document.get("webhooks", {}).values():
        for operation in methods.values():  # requests of ours, whose answers are not ours to describe as problems
            operation["responses"] = {status: said for status, said in operation["responses"].items() if status < "4"}
    document["info"]["license"] = LICENCE
    document["tags"] = [{"name": name, "description": about} for name, about in TAGS.items()]
    return with_examples(document, PROBLEM_TYPE, TYPE_BASE)


def _from_the_edge(path: str, operation: dict[str, Any]) -> list[str]:
    found = []
    if operation.get("security"):
        found += ["401", "403"]
    if any("apiKey" in way for way in operation.get("security", ())) or path.startswith("/auth/"):
        found.append("429")
    if "requestBody" in operation:
        found += ["400", "413"]
    if any(parameter["name"] == "idempotency-key" for parameter in operation.get("parameters", ())):
        found.append("409")
    if path != "/health":  # which asks nobody
        found.append("503")
    return found
