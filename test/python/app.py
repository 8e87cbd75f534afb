"""Declares a copy in Python and checks the template. Needs the packages in packages/python to be installed."""

from aws_cdk import App, Duration, RemovalPolicy, Stack
from aws_cdk.assertions import Template
from aws_cdk.aws_iam import AccountRootPrincipal, Role
from cdk_ebs_snapshot_copy import SnapshotCopy, SnapshotCopyDryRun, SnapshotCopyProvider

app = App()
stack = Stack(app, "Data")
SnapshotCopyProvider.configure(app, max_concurrent_copies=5)
copy = SnapshotCopy(
    stack,
    "Copy",
    source_snapshot_id="snap-0123456789abcdef0",
    source_region="us-east-1",
    timeout=Duration.hours(2),
    removal_policy=RemovalPolicy.RETAIN,
    tags={"team": "storage"},
)
stack.export_value(copy.snapshot_id, name="Copy")
copy.grants.create_volume(Role(stack, "Restorer", assumed_by=AccountRootPrincipal()))
SnapshotCopyDryRun(stack, "DryRun", source_snapshot_id="snap-0123456789abcdef0")

template = Template.from_stack(stack)
template.has_resource(
    "Custom::SnapshotCopy",
    {
        "DeletionPolicy": "Retain",
        "Properties": {
            "SourceSnapshotId": "snap-0123456789abcdef0",
            "SourceRegion": "us-east-1",
            "Tags": [{"Key": "team", "Value": "storage"}],
        },
    },
)
template.resource_count_is("Custom::SnapshotCopyStage", 2)
template.resource_count_is("Custom::SnapshotCopyDryRun", 1)
app.synth()
