//! AWS: who we are, EC2 by state and status check, scheduled events, S3 growth.
