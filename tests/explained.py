"""Plans as a person's transaction gets them, row-level security and all."""

from __future__ import annotations

from typing import Any

from photovault import db

Node = dict[str, Any]


def plan(conn: db.Connection, sql: str, parameters: dict[str, Any]) -> list[Node]:
    """The nodes of the plan of a statement, after it was run."""
    (top,) = db.value(conn, f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", parameters)
    nodes, waiting = [], [top["Plan"]]
    while waiting:
        node = waiting.pop()
        nodes.append(node)
        waiting += node.get("Plans", [])
    return nodes


def of_table(nodes: list[Node], name: str) -> list[Node]:
    return [node for node in nodes if name in (node.get("Relation Name") or "") or name in node.get("Index Name", "")]


def run(nodes: list[Node]) -> list[Node]:
    """Without what was planned for other cases."""
    return [node for node in nodes if node["Actual Loops"]]
