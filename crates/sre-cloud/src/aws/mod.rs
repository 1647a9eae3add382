//! AWS: who we are, EC2 by state and status check, scheduled events, S3 growth.
//!
//! An [`AwsSession`] is made once and shared. Ask [`identity`](AwsSession::identity) first: it fails for bad
//! credentials once and for all. Then [`regions`](AwsSession::regions), and
//! [`survey_region`](AwsSession::survey_region) for all of them at the same time: a region that does not answer costs
//! only itself. Every call takes the deadline of the whole run. No SDK type shows in this interface.

mod bucket_sizes;
mod call;
mod cli;
mod cloudwatch;
mod codes;
mod connector;
mod credentials;
mod error;
mod findings;
mod identity;
mod instances;
mod prune;
mod prune_body;
mod regions;
mod s3_growth;
mod session;
mod settings;
mod status;
mod survey;

pub use bucket_sizes::BucketGrowth;
pub use codes::CODES;
pub use identity::CallerIdentity;
pub use instances::InstanceStates;
pub use s3_growth::{DailySize, Growth, GrowthThresholds, GrowthVerdict};
pub use session::AwsSession;
pub use settings::{AwsSettings, StaticCredentials};
pub use status::{CheckState, InstanceProblem, ScheduledEvent, StatusCheck};
pub use survey::{Incomplete, RegionSurvey, SurveyOptions, SurveyPart};
