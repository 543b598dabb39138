"""The template keeps what quality.md asks of it: least privilege, nothing public, TLS, dead letters, alarms, limits."""

import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from infra.local.stack import read

from photovault.api.schemas import TYPE_BASE
from photovault.errors import NotFound, TooLarge, TooManyRequests, Unavailable

ROOT = Path(__file__).resolve().parents[2]
SAM = ROOT / ".photovault" / "envs" / "sam" / "bin"
TEMPLATE = read(ROOT / "template.yaml")
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]
GLOBALS = TEMPLATE["Globals"]["Function"]


def of_type(*types: str) -> dict[str, Any]:
    return {name: each["Properties"] for name, each in RESOURCES.items() if each["Type"] in types}


FUNCTIONS = of_type("AWS::Serverless::Function")
QUEUES = of_type("AWS::SQS::Queue")
WORK_QUEUES = {name: queue for name, queue in QUEUES.items() if not name.endswith("DeadLetters")}
BUCKETS = of_type("AWS::S3::Bucket")
EVENT_SOURCES = [
    (function, event["Properties"])
    for function, properties in FUNCTIONS.items()
    for event in properties["Events"].values()
    if event["Type"] == "SQS"
]
SECRETS = ("DATABASE_URL", "JWT_SECRET", "MASTER_KEY", "CLOUDINARY_API_SECRET")


def environment(function: str) -> dict[str, Any]:
    own = FUNCTIONS[function].get("Environment", {}).get("Variables", {})
    return {**GLOBALS["Environment"]["Variables"], **own}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements(document: Any) -> Iterator[dict[str, Any]]:
    """A policy's statements, with those that only a condition brings."""
    for statement in document["Statement"]:
        yield statement["Fn::If"][1] if "Fn::If" in statement else statement


def allowed(function: str) -> Iterator[tuple[str, Any]]:
    """(action, resource) pairs that the function's role allows."""
    role = RESOURCES[FUNCTIONS[function]["Role"]["Fn::GetAtt"][0]]["Properties"]
    for policy in role["Policies"]:
        for statement in statements(policy["PolicyDocument"]):
            assert statement["Effect"] == "Allow"
            for action in as_list(statement["Action"]):
                for resource in as_list(statement["Resource"]):
                    yield action, resource


def referred(value: Any) -> set[str]:
    """Logical ids that a value refers to."""
    if isinstance(value, dict):
        if "Ref" in value:
            return {value["Ref"]}
        if "Fn::GetAtt" in value:
            return {value["Fn::GetAtt"][0]}
        return set(chain.from_iterable(map(referred, value.values())))
    if isinstance(value, list):
        return set(chain.from_iterable(map(referred, value)))
    return set()


# ---- least privilege ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_role_names_its_actions_and_resources(function: str) -> None:
    for action, resource in allowed(function):
        assert "*" not in action
        arn = resource.get("Fn::Sub", "") if isinstance(resource, dict) else resource
        assert arn != "*"
        # A star stands only for the objects of one named bucket.
        assert "*" not in arn or re.fullmatch(r"arn:\$\{AWS::Partition\}:s3:::[^*]+/\*", arn), f"{action} on {resource}"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_role_is_the_functions_own_and_has_no_managed_policy_but_for_the_vpc(function: str) -> None:
    role = FUNCTIONS[function]["Role"]["Fn::GetAtt"][0]
    assert [name for name, other in FUNCTIONS.items() if other["Role"]["Fn::GetAtt"][0] == role] == [function]
    for policy in RESOURCES[role]["Properties"]["ManagedPolicyArns"]:
        condition, arn, otherwise = policy["Fn::If"]
        assert condition == "InVpc"
        assert arn["Fn::Sub"].endswith("/AWSLambdaVPCAccessExecutionRole")
        assert otherwise == {"Ref": "AWS::NoValue"}
    assert "Policies" not in FUNCTIONS[function], "SAM would add managed policies that allow every queue"


def buckets_in(function: str, action: str) -> set[str]:
    """What the function may do `action` on: staging/incoming, staging/outgoing, vault, ledger/erasures, models."""
    found = set()
    for each, resource in allowed(function):
        if each == action:
            arn = resource["Fn::Sub"]
            kind = next((kind for kind in ("staging", "vault", "ledger") if f"-{kind}-" in arn), "models")
            prefix = arn.partition("/")[2].removesuffix("/*").removesuffix("*")
            found.add(f"{kind}/{prefix}" if prefix else kind)
    return found


def test_only_workers_write_to_the_vault() -> None:
    assert {name for name in FUNCTIONS if "vault" in buckets_in(name, "s3:PutObject")} == {
        "VisionFunction",
        "MaintenanceFunction",
    }
    assert {name for name in FUNCTIONS if "vault" in buckets_in(name, "s3:DeleteObject")} == {
        "VisionFunction",
        "MaintenanceFunction",
    }


def test_uploads_are_signed_by_the_library_for_incoming_alone() -> None:
    writers = {name: buckets_in(name, "s3:PutObject") for name in FUNCTIONS}
    # The others write markers alone, empty objects that tell maintenance of work.
    assert {name: {each for each in where if "staging" in each} for name, where in writers.items() if where} == {
        "LibraryFunction": {"staging/incoming", "staging/outgoing", "staging/purging"},
        "AuthFunction": {"staging/erasing"},
        "VisionFunction": {"staging/away"},
        "MaintenanceFunction": {"staging/away"},
    }
    assert writers["LibraryFunction"] == {"staging/incoming", "staging/outgoing", "staging/purging"}
    # It hands photos out through outgoing/, and never reads what others upload.
    assert buckets_in("LibraryFunction", "s3:GetObject") == {"staging/outgoing", "vault"}


def test_what_needs_no_photos_reaches_none() -> None:
    for function in ("AlbumsFunction", "WebhooksFunction"):
        assert not [action for action, _ in allowed(function) if action.startswith("s3:")]
    actions = {action for action, _ in allowed("AuthFunction") if action.startswith("s3:")}
    reached = {where for action in actions for where in buckets_in("AuthFunction", action)}
    assert reached == {"staging/erasing", "ledger/erasures", "ledger"}


def test_nobody_takes_an_entry_out_of_the_erasure_ledger() -> None:
    assert not [name for name in FUNCTIONS if any("ledger" in each for each in buckets_in(name, "s3:DeleteObject"))]
    ledger = BUCKETS["LedgerBucket"]
    assert ledger["ObjectLockEnabled"]
    assert ledger["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]["Days"] == {"Ref": "LedgerRetentionDays"}


def test_a_function_takes_messages_from_its_own_queue_alone() -> None:
    for function, event in EVENT_SOURCES:
        taken = [resource for action, resource in allowed(function) if action == "sqs:ReceiveMessage"]
        assert taken == [event["Queue"]]
    consumers = {name for name in FUNCTIONS if "sqs:ReceiveMessage" in dict(allowed(name))}
    assert consumers == {function for function, _ in EVENT_SOURCES}


def test_whoever_reads_a_bucket_may_list_it_so_that_missing_is_404() -> None:
    for function in FUNCTIONS:
        # What is lent in outgoing/ is fetched by clients, to whom gone and never there are the same.
        read_from = {each.split("/")[0] for each in buckets_in(function, "s3:GetObject") - {"staging/outgoing"}}
        assert read_from <= buckets_in(function, "s3:ListBucket")


# ---- secrets --------------------------------------------------------------------------------------------------------


def test_only_auth_has_the_signing_secret() -> None:
    assert [name for name in FUNCTIONS if "JWT_SECRET" in environment(name)] == ["AuthFunction"]
    assert "JWT_SECRET" not in GLOBALS["Environment"]["Variables"]


def test_what_posts_to_strangers_has_its_own_queue_and_nothing_else() -> None:
    reached = {action: resource for action, resource in allowed("WebhooksFunction") if not action.startswith("logs:")}
    queue = {"Fn::GetAtt": ["WebhooksQueue", "Arn"]}
    assert reached.pop("kms:Decrypt") == {"Ref": "MasterKmsKeyArn"}
    assert set(reached) == {
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:ChangeMessageVisibility",
        "sqs:GetQueueAttributes",
        "sqs:SendMessage",
    }
    assert all(resource == queue for resource in reached.values())
    assert "WEBHOOKS_TO_LOOPBACK" not in environment("WebhooksFunction"), "that is for laptops"


def test_the_master_key_is_where_photos_are_opened() -> None:
    assert {name for name in FUNCTIONS if "MASTER_KEY" not in environment(name)} == {"AuthFunction", "AlbumsFunction"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_secret_is_a_reference_to_secrets_manager_and_never_a_value(function: str) -> None:
    for name, value in environment(function).items():
        if name in SECRETS:
            text = value["Fn::If"][1]["Fn::Sub"] if "Fn::If" in value else value["Fn::Sub"]
            assert re.fullmatch(r"\{\{resolve:secretsmanager:\$\{\w+Secret\}\}\}", text)


def test_no_parameter_carries_a_secret() -> None:
    for name in TEMPLATE["Parameters"]:
        assert not re.search(r"(?i)(password|secret|masterkey|token)", name) or name.endswith(("Secret", "Revision"))
    for parameter in ("DatabaseUrlSecret", "JwtSecretSecret", "MasterKeySecret"):
        assert "/" in TEMPLATE["Parameters"][parameter]["Default"], "the default is a secret's name"


def test_every_setting_has_a_variable_that_settings_knows() -> None:
    from photovault.settings import Settings

    known = set(Settings.model_fields) | {"metrics_namespace", "metrics_service", "secrets_revision"}
    given = set(chain.from_iterable(environment(name) for name in FUNCTIONS))
    assert {name.lower() for name in given} <= known


# ---- buckets, topic, queues -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("bucket", BUCKETS)
def test_a_bucket_is_closed_and_encrypted(bucket: str) -> None:
    properties = BUCKETS[bucket]
    assert all(properties["PublicAccessBlockConfiguration"].values())
    assert len(properties["PublicAccessBlockConfiguration"]) == 4
    assert properties["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert "AccessControl" not in properties
    if bucket != "LedgerBucket":  # which holds no photos, and whose object lock wants versions
        assert "VersioningConfiguration" not in properties, "a deleted photo would linger as an old version"


def policy_for(kind: str, target: str) -> list[dict[str, Any]]:
    names = {"AWS::S3::BucketPolicy": "Bucket", "AWS::SQS::QueuePolicy": "Queues", "AWS::SNS::TopicPolicy": "Topics"}
    found = [policy for policy in of_type(kind).values() if {"Ref": target} in as_list(policy[names[kind]])]
    assert len(found) == 1, f"{target} needs exactly one policy"
    return list(statements(found[0]["PolicyDocument"]))


@pytest.mark.parametrize(
    ("kind", "target"),
    [("AWS::S3::BucketPolicy", name) for name in BUCKETS]
    + [("AWS::SQS::QueuePolicy", name) for name in QUEUES]
    + [("AWS::SNS::TopicPolicy", name) for name in of_type("AWS::SNS::Topic")],
)
def test_only_tls_is_spoken_and_nobody_unnamed_is_let_in(kind: str, target: str) -> None:
    policy = policy_for(kind, target)
    denied = [each for each in policy if each["Effect"] == "Deny"]
    assert any(
        each["Principal"] == "*" and each["Condition"] == {"Bool": {"aws:SecureTransport": "false"}} for each in denied
    )
    for each in policy:
        if each["Effect"] == "Allow":
            assert "Service" in each["Principal"]
            assert "aws:SourceArn" in str(each["Condition"]) or "aws:SourceAccount" in str(each["Condition"])


def test_a_buckets_name_says_what_it_is_for_and_the_functions_are_told_the_same_name() -> None:
    assert "staging" in BUCKETS["StagingBucket"]["BucketName"]["Fn::Sub"]
    assert "vault" in BUCKETS["VaultBucket"]["BucketName"]["Fn::Sub"]
    assert environment("LibraryFunction")["STAGING_BUCKET"] == BUCKETS["StagingBucket"]["BucketName"]
    assert environment("LibraryFunction")["VAULT_BUCKET"] == BUCKETS["VaultBucket"]["BucketName"]


def test_plaintext_in_staging_is_gone_after_a_day_and_sealed_with_kms_until_then() -> None:
    staging = BUCKETS["StagingBucket"]
    assert {"ExpirationInDays": 1}.items() <= staging["LifecycleConfiguration"]["Rules"][0].items()
    (rule,) = staging["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"


@pytest.mark.parametrize("bucket", ["StagingBucket", "VaultBucket"])
def test_the_gallery_may_send_and_fetch_from_a_domain_of_its_own(bucket: str) -> None:
    (rule,) = BUCKETS[bucket]["CorsConfiguration"]["CorsRules"]
    assert {"PublicUrl", "CorsOrigins"} <= referred(rule["AllowedOrigins"]) | set(
        re.findall(r"\$\{(\w+)\}", json.dumps(rule["AllowedOrigins"]))
    )
    assert "*" not in rule["AllowedOrigins"]["Fn::Split"][1]["Fn::Join"][1]


@pytest.mark.parametrize("bucket", BUCKETS)
def test_unfinished_multipart_uploads_go(bucket: str) -> None:
    rules = BUCKETS[bucket]["LifecycleConfiguration"]["Rules"]
    assert any(rule.get("AbortIncompleteMultipartUpload") == {"DaysAfterInitiation": 1} for rule in rules)


def test_the_vault_outlives_the_stack() -> None:
    assert RESOURCES["VaultBucket"]["DeletionPolicy"] == "Retain"
    assert RESOURCES["VaultBucket"]["UpdateReplacePolicy"] == "Retain"


def test_one_notification_for_incoming_reaches_both_workers_raw() -> None:
    (notification,) = BUCKETS["StagingBucket"]["NotificationConfiguration"]["TopicConfigurations"]
    assert notification["Filter"]["S3Key"]["Rules"] == [{"Name": "prefix", "Value": "incoming/"}]
    topic = notification["Topic"]
    subscribed = [each for each in of_type("AWS::SNS::Subscription").values() if each["TopicArn"] == topic]
    assert {each["Endpoint"]["Fn::GetAtt"][0] for each in subscribed} == {"VisionQueue", "EmbeddingQueue"}
    assert all(each["RawMessageDelivery"] is True for each in subscribed)


@pytest.mark.parametrize("queue", QUEUES)
def test_a_queue_is_encrypted(queue: str) -> None:
    assert QUEUES[queue]["SqsManagedSseEnabled"] is True


@pytest.mark.parametrize("queue", WORK_QUEUES)
def test_a_queue_has_dead_letters_after_five_receives_kept_for_fourteen_days(queue: str) -> None:
    redrive = WORK_QUEUES[queue]["RedrivePolicy"]
    assert redrive["maxReceiveCount"] == 5
    dead = redrive["deadLetterTargetArn"]["Fn::GetAtt"][0]
    assert QUEUES[dead]["MessageRetentionPeriod"] == 14 * 24 * 3600


@pytest.mark.parametrize(("function", "event"), EVENT_SOURCES)
def test_an_event_source_fails_by_message_and_is_bounded(function: str, event: dict[str, Any]) -> None:
    assert event["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert event["ScalingConfig"]["MaximumConcurrency"]
    assert event["BatchSize"] <= 10
    queue = QUEUES[event["Queue"]["Fn::GetAtt"][0]]
    assert queue["VisibilityTimeout"] >= 6 * FUNCTIONS[function]["Timeout"]


def test_every_work_queue_has_a_worker() -> None:
    assert {event["Queue"]["Fn::GetAtt"][0] for _, event in EVENT_SOURCES} == set(WORK_QUEUES)


# ---- functions and the HTTP edge ------------------------------------------------------------------------------------


def test_functions_run_on_arm64_with_the_library_first_among_their_layers() -> None:
    assert GLOBALS["Runtime"] == "python3.13"
    assert GLOBALS["Architectures"] == ["arm64"]
    for function in FUNCTIONS.values():
        assert function["Layers"][0] == {"Ref": "SharedLayer"}
        assert 1 < len(function["Layers"]) <= 5


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_logs_where_logs_end(function: str) -> None:
    group = FUNCTIONS[function]["LoggingConfig"]["LogGroup"]["Ref"]
    assert RESOURCES[group]["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    assert ("logs:PutLogEvents", {"Fn::GetAtt": [group, "Arn"]}) in list(allowed(function))


def routes() -> dict[str, str]:
    return {
        event["Properties"]["Path"]: name
        for name, function in FUNCTIONS.items()
        for event in function["Events"].values()
        if event["Type"] == "Api"
    }


def test_requests_reach_the_function_that_answers_them() -> None:
    assert routes() == {
        "/auth/{proxy+}": "AuthFunction",
        "/search": "SearchFunction",
        "/search/{proxy+}": "SearchFunction",
        "/": "LibraryFunction",
        "/{proxy+}": "LibraryFunction",
    }
    # The gateway gives up after 29 seconds, and nobody reads what a function says later.
    assert all(FUNCTIONS[name]["Timeout"] <= 29 for name in routes().values())


@pytest.mark.parametrize(
    ("response", "error"),
    [
        ("MISSING_AUTHENTICATION_TOKEN", NotFound),
        ("REQUEST_TOO_LARGE", TooLarge),
        ("THROTTLED", TooManyRequests),
        ("INTEGRATION_FAILURE", Unavailable),
    ],
)
def test_the_gateways_own_answers_look_like_the_functions_answers(response: str, error: Any) -> None:
    answer = RESOURCES["Api"]["Properties"]["GatewayResponses"][response]
    body = json.loads(answer["ResponseTemplates"]["application/json"])
    assert answer["StatusCode"] == str(error.status) == str(body["status"])
    assert body["type"] == TYPE_BASE + error.type


def test_all_of_the_gateways_answers_are_problems_that_a_browser_may_read() -> None:
    answers = RESOURCES["Api"]["Properties"]["GatewayResponses"]
    assert {"DEFAULT_4XX", "DEFAULT_5XX"} <= set(answers)
    for answer in answers.values():
        headers = answer["ResponseParameters"]["Headers"]
        assert headers["Content-Type"] == "'application/problem+json'"
        assert headers["Access-Control-Allow-Origin"] == "'*'"
        # messageString is replaced with its quotes
        body = answer["ResponseTemplates"]["application/json"].replace("$context.error.messageString", '"Bad"')
        assert {"type", "title", "request_id"} <= set(json.loads(body))


def test_the_access_log_is_json_and_names_the_route_and_not_the_path() -> None:
    line = RESOURCES["Api"]["Properties"]["AccessLogSetting"]["Format"]
    assert "\n" not in line
    assert "$context.path" not in json.loads(line).values()


def test_the_gateway_takes_any_bytes_and_is_throttled() -> None:
    api = RESOURCES["Api"]["Properties"]
    assert api["BinaryMediaTypes"] == ["*~1*"]
    (settings,) = api["MethodSettings"]
    assert settings["ThrottlingRateLimit"] == {"Ref": "ThrottlingRateLimit"}
    assert settings["ThrottlingBurstLimit"] == {"Ref": "ThrottlingBurstLimit"}


# ---- what watches over it -------------------------------------------------------------------------------------------


def alarms_on(metric: str) -> set[str]:
    """Logical ids that alarms on `metric` are about; every alarm tells somebody."""
    found: set[str] = set()
    for alarm in of_type("AWS::CloudWatch::Alarm").values():
        assert alarm["AlarmActions"] == [{"Ref": "AlarmsTopic"}]
        assert alarm["TreatMissingData"] == "notBreaching"
        parts = [alarm, *(each["MetricStat"]["Metric"] for each in alarm.get("Metrics", []) if "MetricStat" in each)]
        for part in parts:
            if part.get("MetricName") == metric:
                found |= referred(part.get("Dimensions", [])) or {"*"}
    return found


def test_dead_letters_and_waiting_messages_raise_alarms() -> None:
    assert alarms_on("ApproximateNumberOfMessagesVisible") == {name for name in QUEUES if name not in WORK_QUEUES}
    assert alarms_on("ApproximateAgeOfOldestMessage") == set(WORK_QUEUES)


def test_failing_functions_errors_of_the_api_and_old_plaintext_raise_alarms() -> None:
    assert alarms_on("Errors") == set(FUNCTIONS)
    assert alarms_on("Throttles")
    assert alarms_on("5XXError")
    staging = RESOURCES["StagingAlarm"]["Properties"]
    assert (staging["Namespace"], staging["MetricName"]) == ("PhotoVault", "StagingOldestSeconds")
    assert staging["Threshold"] == 15 * 60
    assert alarms_on("BlobsTampered")
    assert alarms_on("BlobsLost")


@pytest.mark.parametrize("alarm", ["StagingAlarm", "TamperedAlarm", "LostAlarm"])
def test_an_alarm_on_a_metric_of_ours_watches_the_dimension_that_it_is_written_with(alarm: str) -> None:
    (dimension,) = RESOURCES[alarm]["Properties"]["Dimensions"]
    assert dimension == {"Name": "service", "Value": environment("MaintenanceFunction")["METRICS_SERVICE"]}


def test_the_dashboard_is_json_about_things_that_exist() -> None:
    body = RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    known = set(RESOURCES) | set(TEMPLATE["Parameters"]) | {"AWS::Region", "AWS::StackName"}
    assert {name.split(".")[0] for name in re.findall(r"\$\{([^}]+)\}", body)} <= known
    widgets = json.loads(body)["widgets"]
    titles = [widget["properties"]["title"] for widget in widgets]
    assert "Dead letters" in titles
    assert len(titles) == len(set(titles))


# ---- the files around it --------------------------------------------------------------------------------------------


def test_outputs_tell_what_operators_need() -> None:
    assert {
        "ApiUrl",
        "StagingBucket",
        "VaultBucket",
        *(f"{name}Url" for name in QUEUES),
        *(f"{name}Name" for name in FUNCTIONS),
    } <= set(TEMPLATE["Outputs"])


def test_samconfig_names_parameters_that_exist_and_environments_for_all_stages() -> None:
    configured = tomllib.loads((ROOT / "samconfig.toml").read_text())
    assert {"default", "local", "staging", "prod"} <= set(configured)
    for name in ("local", "staging", "prod"):
        overrides = configured[name]["deploy"]["parameters"]["parameter_overrides"]
        assert {each.split("=")[0] for each in overrides} <= set(TEMPLATE["Parameters"])
        # "staging" in a stack's name would be in all of its buckets' names.
        assert "staging" not in configured[name]["global"]["parameters"]["stack_name"]


def test_bucket_names_stay_within_63_characters_with_the_configured_stacks() -> None:
    configured = tomllib.loads((ROOT / "samconfig.toml").read_text())
    stacks = [each["global"]["parameters"]["stack_name"] for each in configured.values() if isinstance(each, dict)]
    for stack in stacks:
        assert len(f"{stack}-staging-123456789012-ap-southeast-2") <= 63


def test_the_template_fits_what_cloudformation_takes() -> None:
    assert len((ROOT / "template.yaml").read_bytes()) < 1_000_000
    assert len(RESOURCES) < 500


@pytest.fixture(scope="module")
def sam() -> Path:
    if not (SAM / "sam").exists():
        pytest.skip("the SAM CLI is not installed: make sam")
    return SAM


@pytest.mark.parametrize("template", ["template.yaml", "infra/database.yaml"])
def test_cfn_lint_finds_nothing(sam: Path, template: str) -> None:
    done = subprocess.run([sam / "cfn-lint", template], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_sam_validates_the_template(sam: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sam / "sam", "validate", "--lint", "--template", ROOT / "template.yaml"],
        cwd=ROOT,
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(tmp_path),
            "SAM_CLI_TELEMETRY": "0",
            "AWS_DEFAULT_REGION": "eu-central-1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
