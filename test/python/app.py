"""Declares a copy from Python and looks at what is synthesized. Run with the packages of packages/python installed."""

from aws_cdk import App, Duration, RemovalPolicy, Stack
from aws_cdk.assertions import Template
from cdk_ebs_snapshot_copy import SnapshotCopy, SnapshotCopyProvider

app = App()
stack = Stack(app, "Data")
SnapshotCopyProvider.configure(stack, max_concurrent_copies=5)
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

template = Template.from_stack(stack)
template.has_resource(
    "Custom::SnapshotCopy",
    {
        "DeletionPolicy": "Retain",
        "Properties": {
            "SourceSnapshotId": "snap-0123456789abcdef0",
            "SourceRegion": "us-east-1",
            "Tags": {"team": "storage"},
        },
    },
)
template.resource_count_is("Custom::SnapshotCopyCompletion", 2)
app.synth()
