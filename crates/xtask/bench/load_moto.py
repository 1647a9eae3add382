"""Fills a moto server with instances: usage load_moto.py ENDPOINT COUNT REGION...; 5 % of them are stopped."""

import sys

import boto3
from botocore.config import Config

TAGS = [{"Key": "env", "Value": "prod"}, {"Key": "team", "Value": "payments"}]


def fill(endpoint, count, region):
    ec2 = boto3.client(
        "ec2",
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id="bench",
        aws_secret_access_key="bench",
        config=Config(proxies={}),
    )
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    for batch in range(0, count, 20):
        many = min(20, count - batch)
        tags = [{"Key": "Name", "Value": f"web-{batch:04d}"}, *TAGS]
        made = ec2.run_instances(
            ImageId=image,
            MinCount=many,
            MaxCount=many,
            InstanceType="t3.micro",
            TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
        )["Instances"]
        ec2.stop_instances(InstanceIds=[made[0]["InstanceId"]])


for name in sys.argv[3:]:
    fill(sys.argv[1], int(sys.argv[2]), name)
