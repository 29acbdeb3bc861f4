"""The OpenAPI 3.1 document, made from the routes of an application, their contracts, and the operations of its catalog.

Built at the first request for it. Nothing is said twice: what a route answers stands at the route, what an operation takes in
its model, and a test drives every route from the document alone.
"""

import inspect
import re
from typing import Any

from flask import Flask
from pydantic import BaseModel
from werkzeug.routing import Rule

from lib.operations import Catalog
from lib.settings import Settings
from services.api import kinds
from services.api.auth import SignIn, sign_in
from services.api.contract import Answer, Body, Contract, contract_of
from services.api.forms import GEOJSON, JSON
from services.api.kinds import Kind
from services.api.openapi_parts import (
    ABOUT,
    FEATURES,
    HEADERS,
    REQUEST_HEADERS,
    SECURITY_SCHEME,
    TAGS,
    TITLE,
    VERSION,
    path_parameter,
)
from services.api.request_schemas import body_examples
from services.api.schemas import Schema, Schemas
from services.api.shapes import Event, Problem
from services.api.tokens import Role

_ARGUMENT = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")


def document(app: Flask, catalog: Catalog, settings: Settings) -> dict[str, Any]:
    """The document of an application."""
    made = _Document(app, catalog, settings)
    paths: dict[str, dict[str, Any]] = {}
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: (len(rule.rule), rule.rule)):
        contract = contract_of(app.view_functions[rule.endpoint])
        if contract is None or contract.page:
            continue
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            paths.setdefault(_ARGUMENT.sub(r"{\1}", rule.rule), {})[method.lower()] = made.operation(rule, method, contract)
    used = {operation["tags"][0] for item in paths.values() for operation in item.values()}
    return {
        "openapi": "3.1.0",
        "info": {"title": TITLE, "version": VERSION, "description": ABOUT},
        "tags": [{"name": name, "description": text} for name, text in TAGS.items() if name in used],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(made.schemas.components.items())),
            "headers": HEADERS,
            "examples": dict(sorted(made.examples.items())),
            "securitySchemes": {"token": SECURITY_SCHEME},
        },
    }


class _Document:
    """What the operations of one document share."""

    def __init__(self, app: Flask, catalog: Catalog, settings: Settings) -> None:
        self.app, self.catalog, self.settings = app, catalog, settings
        self.schemas = Schemas()
        self.problem = self.schemas.of(Problem)
        self.sign_in: SignIn = sign_in()
        self.ids: set[str] = set()
        self.examples: dict[str, Any] = {}

    def operation(self, rule: Rule, method: str, contract: Contract) -> dict[str, Any]:
        """One operation of the document: a method of a path."""
        summary, _, rest = inspect.cleandoc(self.app.view_functions[rule.endpoint].__doc__ or "").partition("\n")
        role = f"Wants the role {contract.role.name.lower()}." if contract.role else "Wants no token."
        made: dict[str, Any] = {
            "operationId": self._id(rule),
            "tags": [contract.tag],
            "summary": summary.rstrip("."),
            "description": f"{rest.strip()}\n\n{role}".strip(),
            "parameters": self._parameters(rule, contract),
            "responses": self._responses(rule, contract),
            "security": self._security(rule, contract),
        }
        if contract.body is not None:
            made["requestBody"] = self._body(rule, contract.body)
        return made

    def _id(self, rule: Rule) -> str:
        """The endpoint's name; a further path of the same endpoint has its words behind it."""
        found: str = rule.endpoint.replace(".", "_")
        if found in self.ids:
            found += "_" + "_".join(re.findall(r"\w+", _ARGUMENT.sub("", rule.rule)))
        self.ids.add(found)
        return found

    def _security(self, rule: Rule, contract: Contract) -> list[dict[str, Any]]:
        """With sign-in off, a token does no harm."""
        if rule.endpoint == "health.metrics":
            return [{"token": []}] if self.sign_in.guards_metrics else []
        if contract.role is Role.OPEN:
            return []
        return [{"token": []}] if self.sign_in.tokens is not None else [{}, {"token": []}]

    def _parameters(self, rule: Rule, contract: Contract) -> list[dict[str, Any]]:
        made = [path_parameter(rule.rule, name, self.catalog, self.settings) for name in _ARGUMENT.findall(rule.rule)]
        if contract.query is not None:
            prefix = f"{rule.endpoint.partition('.')[2]}." if contract.tag == "Direct" else ""
            for name, schema in self.schemas.fields(contract.query, prefix).items():
                required = contract.query.model_fields[name].is_required()
                description = schema.pop("description", "")
                made.append(
                    {"name": name, "in": "query", "required": required, "description": description, "schema": _given(schema)}
                )
        takes = [*contract.takes, *(["If-None-Match"] if contract.validated else [])]
        # Accept is no parameter: the content types of the answers are what it may say.
        made += [{"name": name, "in": "header", "required": False} | REQUEST_HEADERS[name] for name in takes if name != "Accept"]
        return made

    def _body(self, rule: Rule, body: Body) -> dict[str, Any]:
        content: dict[str, Any]
        if body.shape is None:
            content = {media: {"schema": {"type": "string", "format": "binary"}} for media in body.media}
        elif isinstance(body.shape, type) and issubclass(body.shape, BaseModel):
            value = {name: field.examples[0] for name, field in body.shape.model_fields.items() if field.examples}
            content = {JSON: {"schema": self.schemas.of_body(body.shape), "examples": {"example": {"value": value}}}}
        else:
            parts = body.shape(self.catalog, self.settings, self.schemas)
            alternatives = [self.schemas.add(name, schema) for name, schema in parts.items()]
            content = {JSON: {"schema": {"oneOf": alternatives}, "examples": (body.examples or body_examples)(self.catalog)}}
        if body.form:
            field = {"type": "string", "format": "binary", "minLength": 1}
            content["multipart/form-data"] = {
                "schema": {
                    "type": "object",
                    "properties": {body.form: field},
                    "required": [body.form],
                    "additionalProperties": False,
                }
            }
        return {"required": body.required, "content": content}

    def _responses(self, rule: Rule, contract: Contract) -> dict[str, Any]:
        made = {str(status): self._answer(answer, contract, status) for status, answer in sorted(contract.answers.items())}
        if contract.validated:
            made["304"] = {"description": "Nothing has changed.", "headers": _headers(("ETag",))}
        by_status: dict[int, list[Kind]] = {}
        for kind in dict.fromkeys([*contract.problems, *self._common(rule, contract)]):
            by_status.setdefault(kind.status, []).append(kind)
        for status, found in sorted(by_status.items()):
            made[str(status)] = self._problems(status, found)
        return made

    def _common(self, rule: Rule, contract: Contract) -> list[Kind]:
        """What may go wrong whatever a route does."""
        common = []
        if contract.role or rule.endpoint == "health.metrics":
            common += [kinds.UNAUTHORIZED, kinds.FORBIDDEN, kinds.TOO_MANY_ATTEMPTS]
        if contract.body is not None:
            common.append(kinds.BAD_REQUEST)
        if "<" in rule.rule:
            common.append(kinds.NOT_FOUND)
        if "<" in rule.rule or contract.query is not None:
            common.append(kinds.TOO_LONG_ADDRESS)
        if contract.redis:
            common.append(kinds.STORE_UNAVAILABLE)
        return common

    def _problems(self, status: int, found: list[Kind]) -> dict[str, Any]:
        for kind in found:
            value = {"type": kind.uri, "title": kind.title, "status": status, "detail": kind.meaning, "request_id": "1"}
            self.examples[kind.slug] = {"value": value}
        examples = {kind.slug: {"$ref": f"#/components/examples/{kind.slug}"} for kind in found}
        names = {401: ("WWW-Authenticate",), 429: ("Retry-After",), 503: ("Retry-After",)}.get(status, ())
        return {
            "description": " ".join(f"{kind.title}." for kind in found),
            "headers": _headers((*names, "X-Request-ID")),
            "content": {"application/problem+json": {"schema": self.problem, "examples": examples}},
        }

    def _answer(self, answer: Answer, contract: Contract, status: int) -> dict[str, Any]:
        validated = ("ETag",) if contract.validated and status == 200 else ()
        made: dict[str, Any] = {"description": answer.text, "headers": _headers((*answer.headers, *validated, "X-Request-ID"))}
        if answer.shape is not None:
            made["content"] = {media: self._content(answer, media) for media in answer.media}
        if answer.follow:
            made["links"] = {
                endpoint.replace(".", "_"): {
                    "operationId": endpoint.replace(".", "_"),
                    "parameters": {"jid": "$response.body#/id"},
                }
                for endpoint in answer.follow
            }
        return made

    def _content(self, answer: Answer, media: str) -> Schema:
        if media == "text/event-stream":
            return {"schema": self.schemas.of(Event)}
        if media == GEOJSON:
            return {"schema": FEATURES}
        if media != JSON and answer.shape is not str:
            return {"schema": {"type": "string", "format": "binary"}}
        made: Schema = {"schema": self.schemas.of(answer.shape if media == JSON else str)}
        return made if answer.example is None else made | {"example": answer.example}


def _headers(names: tuple[str, ...]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _given(schema: Schema) -> Schema:
    """A parameter that is left out is left out; in a query string there is no null."""
    kept = [part for part in schema.get("anyOf", []) if part != {"type": "null"}]
    if not kept:
        return schema
    rest = {key: value for key, value in schema.items() if key != "anyOf" and not (key == "default" and value is None)}
    return rest | (kept[0] if len(kept) == 1 else {"anyOf": kept})
