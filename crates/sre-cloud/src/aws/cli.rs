//! The `aws` commands that show what a finding says, ready to paste.

use sre_core::redact;

use super::settings::AwsSettings;

/// The options that point `aws` at the same account and region as the survey.
#[derive(Debug, Clone)]
pub(super) struct Cli {
    options: String,
}

// === impl Cli ===

impl Cli {
    pub(super) fn new(settings: &AwsSettings, region: &str) -> Self {
        let mut options = format!(" --region {}", quoted(region));
        if let Some(profile) = &settings.profile {
            options.push_str(&format!(" --profile {}", quoted(profile)));
        }
        if let Some(url) = &settings.endpoint_url {
            options.push_str(&format!(" --endpoint-url {}", quoted(&redact::url(url))));
        }
        Self { options }
    }

    /// `aws SERVICE OPERATION --region … ARGUMENTS`; arguments are quoted where a shell would need it.
    pub(super) fn command(&self, operation: &str, arguments: &[&str]) -> String {
        let mut command = format!("aws {operation}{}", self.options);
        for argument in arguments {
            command.push(' ');
            command.push_str(&quoted(argument));
        }
        command
    }
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=,./:@+".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_can_be_pasted() {
        let settings = AwsSettings::default().profile("it's prod").endpoint_url("http://me:pw@127.0.0.1:5000");
        let command = Cli::new(&settings, "eu-west-1").command("ec2 describe-instances", &["--instance-ids", "i-1"]);
        assert_eq!(
            command,
            r"aws ec2 describe-instances --region eu-west-1 --profile 'it'\''s prod' --endpoint-url 'http://***@127.0.0.1:5000' --instance-ids i-1"
        );
    }
}
