"""A call as it stands in the code."""

import ast

from resolver.record import Record


class Site(Record):
    """A call as it stands in the code: its name as written, and the node."""

    name: str
    node: ast.Call


def dotted(node: ast.expr) -> str:
    """A call's name as written: "AutoModel.from_pretrained", "UserSecretsClient().get_secret"."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    if isinstance(node, ast.Call):
        return f"{dotted(node.func)}()"
    return "(…)"
