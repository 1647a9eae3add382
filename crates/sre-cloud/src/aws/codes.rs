//! The finding codes of the AWS source, each with its rule.

use sre_core::{Code, CodeDoc};

pub(super) const IMPAIRED: Code = Code::new("EC2-IMPAIRED");
pub(super) const INITIALIZING: Code = Code::new("EC2-INITIALIZING");
pub(super) const NO_DATA: Code = Code::new("EC2-NODATA");
pub(super) const EVENT: Code = Code::new("EC2-EVENT");
pub(super) const GROWTH: Code = Code::new("S3-GROWTH");
pub(super) const SHRINK: Code = Code::new("S3-SHRINK");

/// Every code that [`RegionSurvey::findings`](super::RegionSurvey::findings) can give.
pub const CODES: &[CodeDoc] = &[
    CodeDoc::new(
        IMPAIRED,
        "EC2 status check impaired",
        "An instance, system or attached-EBS status check of a running instance is `impaired`. Critical at once: EC2 \
         itself reports it only after two failed checks in a row.",
        "System or attached EBS: stop and start the instance, which moves it to another host. Instance: look at its \
         console output (`aws ec2 get-console-output`) and reboot it.",
    ),
    CodeDoc::new(
        INITIALIZING,
        "EC2 instances are starting up",
        "Status checks that are `initializing`, or without data within 10 minutes of the launch. Information only; one \
         finding for all instances of a region.",
        "Nothing, unless the number stays: then instances are being replaced again and again.",
    ),
    CodeDoc::new(
        NO_DATA,
        "EC2 status check without data",
        "A status check says `insufficient-data` more than 10 minutes after the instance was launched.",
        "Look at the instance as if the check had failed; EC2 cannot tell.",
    ),
    CodeDoc::new(
        EVENT,
        "AWS is going to do something to an instance",
        "A scheduled event that is neither completed nor cancelled. A warning; critical when it retires or stops the \
         instance within 48 hours.",
        "Move the work away and stop and start (or replace) the instance before the event does it at its own time.",
    ),
    CodeDoc::new(
        GROWTH,
        "S3 bucket grew suddenly",
        "The last day's growth is above 10 GiB, above 10 % of the mean size and further than 5 median absolute \
         deviations from the usual daily change of the last 14 days. Nothing is said with fewer than 7 daily points.",
        "Find what writes: CloudTrail data events, server access logs, or S3 Storage Lens by prefix. Look for a missing \
         lifecycle rule and for unfinished multipart uploads.",
    ),
    CodeDoc::new(
        SHRINK,
        "S3 bucket shrank suddenly",
        "The last day's loss passes the limits of S3-GROWTH. A lifecycle rule does this when it first applies; so does \
         a deletion by mistake.",
        "Make sure that the deletion was meant; with versioning on, deleted objects can still be brought back.",
    ),
];
