"""template.yaml on LocalStack: the same template, with code in place instead of uploaded archives.

What differs from AWS is decided here and nowhere else:

- code and layers point at the working tree (LocalStack's `hot-reload` bucket), so an edit is live at the next call;
- every dependency layer is the project's own environment, and the functions run on its Python;
- a queue's batch is larger by the number of processes that share it (see infra/localstack/process_executor);
- settings that name folders of this host are added to the functions' variables.
"""

import json
import os
import sys
import sysconfig
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import yaml
from botocore.config import Config
from infra.local.localstack import ACCOUNT, REGION

Template = dict[str, Any]

ROOT = Path(__file__).resolve().parents[2]
RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
STACK = "photovault"
DEPLOY_SECONDS = 180
LARGEST_BATCH = 10  # what SQS gives in one batch without a batching window
HOST_VARIABLES = ("STORAGE_ROOT", "LEDGER_ROOT", "MODELS_DIR", "PLACES_FILE", "WEBHOOKS_TO_LOOPBACK")

# The template takes secrets by their names in Secrets Manager.
SECRETS = {
    "DatabaseUrlSecret": "DATABASE_URL",
    "JwtSecretSecret": "JWT_SECRET",
    "MasterKeySecret": "MASTER_KEY",
    "CloudinarySecret": "CLOUDINARY_API_SECRET",
}


class DeployFailed(RuntimeError):
    """The stack was not created; the message carries CloudFormation's reasons."""


@dataclass(frozen=True)
class Stack:
    """A deployed stack. `environment` is what the API needs to do the HTTP functions' work outside of them."""

    endpoint: str
    outputs: dict[str, str]
    environment: dict[str, str]
    functions: dict[str, str]  # logical id -> function name
    gateway: str | None  # the stage's URL


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short tags into their long form."""


def _long_form(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _long_form)


def read(path: Path) -> Template:
    """A template with its tags in long form."""
    return dict(yaml.load(path.read_text(encoding="utf-8"), _Loader))  # noqa: S506  (a subclass of SafeLoader)


def localise(template: Template, *, root: Path, folder: Path, variables: Mapping[str, str], processes: int) -> Template:
    """The template as LocalStack can run it on this host.

    `root` is what its paths are relative to. The layers' folders are made under `folder`, as links.
    """
    common = template.get("Globals", {}).get("Function", {})
    shared = {
        **common,
        "Runtime": RUNTIME,
        "Environment": {"Variables": {**common.get("Environment", {}).get("Variables", {}), **variables}},
    }
    shared.pop("Architectures", None)
    if isinstance(shared.get("CodeUri"), str):
        shared["CodeUri"] = _in_place((root / shared["CodeUri"]).resolve())
    resources = {
        name: _local_layer(name, resource, root=root, folder=folder)
        if resource["Type"] == "AWS::Serverless::LayerVersion"
        else _local_function(resource, root=root, processes=processes)
        if resource["Type"] == "AWS::Serverless::Function"
        else resource
        for name, resource in template["Resources"].items()
    }
    return {**template, "Globals": {**template.get("Globals", {}), "Function": shared}, "Resources": resources}


def _in_place(folder: Path) -> dict[str, str]:
    return {"Bucket": "hot-reload", "Key": str(folder)}


def _local_function(resource: Template, *, root: Path, processes: int) -> Template:
    properties = {
        key: value for key, value in resource["Properties"].items() if key not in ("Architectures", "Runtime")
    }
    if isinstance(properties.get("CodeUri"), str):
        properties["CodeUri"] = _in_place((root / properties["CodeUri"]).resolve())
    properties["Events"] = {
        name: _larger_batch(event, processes) if event["Type"] == "SQS" else event
        for name, event in properties.get("Events", {}).items()
    }
    return {**{key: value for key, value in resource.items() if key != "Metadata"}, "Properties": properties}


def _larger_batch(event: Template, processes: int) -> Template:
    size = event["Properties"].get("BatchSize", LARGEST_BATCH)
    if not isinstance(size, int) or size >= LARGEST_BATCH:
        return event
    return {**event, "Properties": {**event["Properties"], "BatchSize": min(LARGEST_BATCH, size * processes)}}


def _local_layer(name: str, resource: Template, *, root: Path, folder: Path) -> Template:
    """A layer of locked requirements (`layers/`) is the installed environment, any other is its folder."""
    content = (root / resource["Properties"]["ContentUri"]).resolve()
    target = Path(sysconfig.get_paths()["purelib"]) if content == (root / "layers").resolve() else content
    place = folder / "layers" / name
    place.mkdir(parents=True, exist_ok=True)
    link = place / "python"
    if not link.is_symlink() or link.readlink() != target:
        link.unlink(missing_ok=True)
        link.symlink_to(target, target_is_directory=True)
    properties = {**resource["Properties"], "ContentUri": _in_place(place), "CompatibleRuntimes": [RUNTIME]}
    properties.pop("CompatibleArchitectures", None)
    return {**{key: value for key, value in resource.items() if key != "Metadata"}, "Properties": properties}


def client(endpoint: str, service: str) -> Any:
    """A boto3 client of the local cloud."""
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=ACCOUNT["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=ACCOUNT["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"max_attempts": 2}, s3={"addressing_style": "path"}),
    )


def deploy(
    endpoint: str,
    *,
    settings: Mapping[str, str],
    folder: Path,
    template: Path = ROOT / "template.yaml",
    root: Path = ROOT,
    processes: int | None = None,
    name: str = STACK,
) -> Stack:
    """Creates the stack from `settings` (by their environment names) and waits for it. Raises DeployFailed."""
    local = localise(
        read(template),
        root=root,
        folder=folder,
        variables={name: settings[name] for name in HOST_VARIABLES if name in settings},
        processes=processes or os.cpu_count() or 1,
    )
    declared = local.get("Parameters", {})
    given = {parameter(setting): value for setting, value in settings.items()}
    manager = client(endpoint, "secretsmanager")
    for secret, setting in SECRETS.items():
        if secret in declared and setting in settings:
            given[secret] = f"{name}/{setting}"
            manager.create_secret(Name=given[secret], SecretString=settings[setting])
    _create(endpoint, name, local, {key: value for key, value in given.items() if key in declared})
    return describe(endpoint, name=name)


def parameter(setting: str) -> str:
    """DATABASE_URL -> DatabaseUrl."""
    return "".join(word.capitalize() for word in setting.split("_"))


def _create(endpoint: str, name: str, template: Template, parameters: Mapping[str, str]) -> None:
    cloudformation, s3 = client(endpoint, "cloudformation"), client(endpoint, "s3")
    bucket = f"{name}-deployment"  # a template of more than 51,200 bytes is taken from a bucket only
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket=bucket, Key="template.json", Body=json.dumps(template).encode())
    cloudformation.create_stack(
        StackName=name,
        TemplateURL=f"{endpoint}/{bucket}/template.json",
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    deadline = time.monotonic() + DEPLOY_SECONDS
    while True:
        status = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
        if status == "CREATE_COMPLETE":
            return
        if status != "CREATE_IN_PROGRESS" or time.monotonic() > deadline:
            events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
            reasons = [
                f"{event['LogicalResourceId']}: {event['ResourceStatusReason']}"
                for event in reversed(events)
                if event["ResourceStatus"].endswith("FAILED") and event.get("ResourceStatusReason")
            ]
            raise DeployFailed("\n".join([f"the stack ended as {status}", *reasons]))
        time.sleep(0.2)


def describe(endpoint: str, *, name: str = STACK) -> Stack:
    """The deployed stack as its parts see it."""
    cloudformation, functions = client(endpoint, "cloudformation"), client(endpoint, "lambda")
    described = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    resources = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
    names = {
        each["LogicalResourceId"]: each["PhysicalResourceId"]
        for each in resources
        if each["ResourceType"] == "AWS::Lambda::Function"
    }
    # The API under uvicorn stands for all HTTP functions, so it gets what any of them gets.
    environment: dict[str, str] = {}
    for function in names.values():
        configuration = functions.get_function_configuration(FunctionName=function)
        environment |= configuration.get("Environment", {}).get("Variables", {})
    environment |= {**ACCOUNT, "AWS_ENDPOINT_URL": endpoint, "ROOT_PATH": ""}
    return Stack(
        endpoint=endpoint,
        outputs={each["OutputKey"]: each["OutputValue"] for each in described.get("Outputs", [])},
        environment=environment,
        functions=names,
        gateway=_gateway(endpoint, resources),
    )


def _gateway(endpoint: str, resources: list[dict[str, Any]]) -> str | None:
    found = {each["ResourceType"]: each["PhysicalResourceId"] for each in resources}
    api, stage = found.get("AWS::ApiGateway::RestApi"), found.get("AWS::ApiGateway::Stage")
    return f"{endpoint}/_aws/execute-api/{api}/{stage}" if api and stage else None
