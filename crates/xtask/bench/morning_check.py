"""The morning check as a team would script it: kubernetes, boto3, requests. The benchmark's opponent.

It applies the same rules to the same objects as morning-check and prints JSON of the same shape, so that the two
answers can be compared.

usage: morning_check.py [--context NAME]... [--region NAME]... [--prometheus URL] [--ec2-endpoint URL]
"""

import argparse
import collections
import datetime
import json
import sys

UTC = datetime.timezone.utc
NOW = datetime.datetime.now(UTC)
MINUTE = datetime.timedelta(minutes=1)
IMAGE_OR_CONFIG = {
    "ImagePullBackOff",
    "ErrImagePull",
    "ErrImageNeverPull",
    "InvalidImageName",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
}
QUERIES = {
    "hot_nodes": '100 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[5m])) * 100 > 80',
    "filling_disks": "predict_linear(node_filesystem_avail_bytes[6h], 24*3600) < 0",
    "error_rates": 'sum by (service) (rate(http_requests_total{code=~"5.."}[5m])) > 0.1',
    "targets_down": "up == 0",
}


def older(moment, minutes):
    return moment is not None and NOW - moment > minutes * MINUTE


def condition(pod, kind):
    return next((c for c in pod.status.conditions or [] if c.type == kind), None)


def container_reasons(pod, status):
    waiting = status.state.waiting if status.state else None
    ended = status.last_state.terminated if status.last_state else None
    if waiting and waiting.reason == "CrashLoopBackOff":
        yield f"{status.name}: crash loop"
    elif waiting and waiting.reason in IMAGE_OR_CONFIG:
        yield f"{status.name}: {waiting.reason}"
    elif waiting and older(pod.status.start_time, 60):
        yield f"{status.name}: waiting for {waiting.reason} for more than an hour"
    if ended and status.restart_count >= 2 and not older(ended.finished_at, 15):
        yield f"{status.name}: restarting"
    if ended and ended.reason == "OOMKilled" and not older(ended.finished_at, 24 * 60):
        yield f"{status.name}: out of memory"


def reasons(pod):
    if pod.status.phase == "Succeeded":
        return
    if pod.metadata.deletion_timestamp and older(pod.metadata.deletion_timestamp, 5):
        yield "terminating for too long"
    for status in (pod.status.init_container_statuses or []) + (pod.status.container_statuses or []):
        yield from container_reasons(pod, status)
    if any(owner.kind == "Job" for owner in pod.metadata.owner_references or []):
        return
    ready = condition(pod, "Ready")
    scheduled = condition(pod, "PodScheduled")
    if scheduled and scheduled.reason == "SchedulingGated":
        return
    if pod.status.phase == "Pending" and older(pod.metadata.creation_timestamp, 15):
        yield "pending"
    elif ready and ready.status != "True" and older(ready.last_transition_time, 15):
        yield "not ready"


def nodes(core):
    bad = []
    for node in core.list_node().items:
        for c in node.status.conditions or []:
            if (c.type == "Ready") != (c.status == "True"):
                bad.append({"node": node.metadata.name, "condition": c.type})
    return bad


def workloads(apps, batch):
    bad = []
    for d in apps.list_deployment_for_all_namespaces().items:
        if (d.status.available_replicas or 0) < (1 if d.spec.replicas is None else d.spec.replicas):
            bad.append(f"deployment {d.metadata.namespace}/{d.metadata.name}")
    for s in apps.list_stateful_set_for_all_namespaces().items:
        if (s.status.ready_replicas or 0) < (1 if s.spec.replicas is None else s.spec.replicas):
            bad.append(f"statefulset {s.metadata.namespace}/{s.metadata.name}")
    for s in apps.list_daemon_set_for_all_namespaces().items:
        if (s.status.number_available or 0) < s.status.desired_number_scheduled:
            bad.append(f"daemonset {s.metadata.namespace}/{s.metadata.name}")
    for job in batch.list_job_for_all_namespaces().items:
        if any(c.type == "Failed" and c.status == "True" for c in job.status.conditions or []):
            bad.append(f"job {job.metadata.namespace}/{job.metadata.name}")
    return bad


def warnings(core):
    seen = collections.Counter()
    for event in core.list_event_for_all_namespaces(field_selector="type=Warning").items:
        at = event.last_timestamp or event.event_time or event.first_timestamp
        if not older(at, 30):
            seen[(event.involved_object.kind, event.involved_object.name, event.reason)] += event.count or 1
    return [{"object": f"{kind} {name}", "reason": reason, "count": n} for (kind, name, reason), n in seen.items()]


def kubernetes(contexts):
    from kubernetes import client, config

    for context in contexts:
        api = config.new_client_from_config(context=context)
        core, apps, batch = client.CoreV1Api(api), client.AppsV1Api(api), client.BatchV1Api(api)
        pods, unhealthy = 0, []
        for pod in core.list_pod_for_all_namespaces().items:
            pods += 1
            why = list(reasons(pod))
            if why:
                unhealthy.append({"namespace": pod.metadata.namespace, "name": pod.metadata.name, "why": why})
        yield {
            "cluster": context,
            "pods": pods,
            "unhealthy": unhealthy,
            "nodes": nodes(core),
            "workloads": workloads(apps, batch),
            "warnings": warnings(core),
        }


def aws(regions, endpoint):
    import boto3

    def client(service, region):
        return boto3.client(service, region_name=region, endpoint_url=endpoint)

    client("sts", regions[0]).get_caller_identity()
    for region in regions:
        ec2 = client("ec2", region)
        summary = collections.Counter()
        for page in ec2.get_paginator("describe_instances").paginate():
            for reservation in page["Reservations"]:
                summary.update(instance["State"]["Name"] for instance in reservation["Instances"])
        problems = []
        for page in ec2.get_paginator("describe_instance_status").paginate(IncludeAllInstances=True):
            for status in page["InstanceStatuses"]:
                if "impaired" in (status["InstanceStatus"]["Status"], status["SystemStatus"]["Status"]):
                    problems.append(status["InstanceId"])
        client("cloudwatch", region).list_metrics(Namespace="AWS/S3", MetricName="BucketSizeBytes")
        yield {"region": region, "summary": dict(summary), "problems": problems}


def prometheus(url):
    import requests

    session = requests.Session()
    alerts = session.get(f"{url}/api/v1/alerts", timeout=10).json()["data"]["alerts"]
    answer = {"firing_alerts": [alert["labels"] for alert in alerts if alert["state"] == "firing"]}
    for name, query in QUERIES.items():
        answer[name] = session.post(f"{url}/api/v1/query", data={"query": query}, timeout=10).json()["data"]["result"]
    return answer


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--context", action="append", default=[])
    parser.add_argument("--region", action="append", default=[])
    parser.add_argument("--prometheus")
    parser.add_argument("--ec2-endpoint")
    args = parser.parse_args()
    answer = {}
    if args.context:
        answer["kubernetes"] = list(kubernetes(args.context))
    if args.region:
        answer["aws"] = list(aws(args.region, args.ec2_endpoint))
    if args.prometheus:
        answer["prometheus"] = prometheus(args.prometheus)
    json.dump(answer, sys.stdout)


main()
