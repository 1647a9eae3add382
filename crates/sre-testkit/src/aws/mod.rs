//! A scripted EC2 and STS endpoint for what moto cannot say: impaired checks, scheduled events, failing regions.
//!
//! It speaks the XML of the query protocol and reads region and service from the request's signature scope.
//! CloudWatch and S3 are moto's ([`crate::peers::Moto`]).
//!
//! ```
//! use sre_testkit::aws::{AwsApi, Instance, aws_error};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let aws = AwsApi::builder()
//!     .instance("us-east-1", Instance::running("i-0000000000000001").system("impaired"))
//!     .instance(
//!         "us-east-1",
//!         Instance::running("i-0000000000000002").event("instance-retirement", "[Completed] done", "2026-03-02T00:00:00Z"),
//!     )
//!     .instances("eu-west-1", (0..1_200).map(|i| Instance::running(&format!("i-{i:017x}"))))
//!     .fault(|_, call| (call.region == "ap-south-2").then(|| aws_error(403, "UnauthorizedOperation", "no")))
//!     .start()
//!     .await;
//! // AWS_ENDPOINT_URL = aws.url()
//! # drop(aws);
//! # });
//! ```

mod api;
mod instance;
mod xml;

pub use api::{AwsApi, AwsApiBuilder, Call};
pub use instance::Instance;
pub use xml::{aws_error, sts_error};
