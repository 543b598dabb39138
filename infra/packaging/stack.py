"""The template with built archives in place of folders, for a cloud that takes them from a bucket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from infra.packaging.build import Build

Template = dict[str, Any]


def packaged(template: Template, made: Build, *, bucket: str) -> Template:
    """``template`` (tags in long form) with the functions and layers of ``made``, which lie in ``bucket``.

    A layer of several archives becomes several layers, which a function gets in its stead, in order. Functions run on
    the build's own Python, and on any processor when it is the host's.
    """
    resources: dict[str, Any] = {}
    parts: dict[str, list[str]] = {}
    for name, artefact in made.layers.items():
        layer = {key: value for key, value in template["Resources"][name].items() if key != "Metadata"}
        properties = {**layer["Properties"], "CompatibleRuntimes": [made.runtime]}
        if made.arch == "host":
            properties.pop("CompatibleArchitectures", None)
        parts[name] = [name if number == 1 else f"{name}{number}" for number in range(1, len(artefact.archives) + 1)]
        for number, (part, archive) in enumerate(zip(parts[name], artefact.archives, strict=True), start=1):
            called = {"Fn::Join": ["-", [properties["LayerName"], str(number)]]}
            content = {"Bucket": bucket, "Key": archive}
            resources[part] = {**layer, "Properties": {**properties, "LayerName": called, "ContentUri": content}}
    for name, resource in template["Resources"].items():
        if name in made.functions:
            properties = {
                **resource["Properties"],
                "CodeUri": {"Bucket": bucket, "Key": made.functions[name].code.archives[0]},
                "Layers": [{"Ref": part} for layer in made.functions[name].layers for part in parts[layer]],
            }
            kept = {key: value for key, value in resource.items() if key != "Metadata"}
            resources[name] = {**kept, "Properties": properties}
        elif resource["Type"] != "AWS::Serverless::LayerVersion":
            resources[name] = resource
    common = {**template["Globals"]["Function"], "Runtime": made.runtime}
    if made.arch == "host":
        common.pop("Architectures", None)
    return {**template, "Globals": {**template["Globals"], "Function": common}, "Resources": resources}


def uploads(made: Build, out: Path) -> Iterator[tuple[str, Path]]:
    """(key, file) of every archive that ``packaged`` names; ``out`` is the build's folder."""
    for artefact in [*made.layers.values(), *(function.code for function in made.functions.values())]:
        for archive in artefact.archives:
            yield archive, out / archive
