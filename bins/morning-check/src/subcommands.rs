//! What morning-check does besides checking: `init`, `check-config`, `explain`, `--show-config`, `dist`.

use std::path::{Path, PathBuf};

use clap::CommandFactory;
use sre_core::atomic;
use sre_core::cli;
use sre_core::config::nearest;
use sre_core::effects::{Applied, Effects};
use sre_core::exit::ExitCode;
use sre_core::output::Format;
use sre_core::path_error::PathError;

use crate::catalogue;
use crate::cli::Args;
use crate::deliver::print;
use crate::environment::Environment;
use crate::plan::Clusters;
use crate::settings::{Settings, Usage, Webhook, default_config_file};

/// A configuration file with every key and its default, most of them in comments.
pub(crate) const TEMPLATE: &str = include_str!("../templates/config.yaml");

pub(crate) fn init(
    file: Option<PathBuf>,
    force: bool,
    stdout: bool,
    args: &Args,
    env: &Environment,
) -> Result<ExitCode, Usage> {
    if stdout {
        return say(TEMPLATE);
    }
    let path = file.or_else(|| args.common.config.clone()).or_else(|| default_config_file(env));
    let path = path.ok_or_else(|| {
        Usage::new("there is no home directory to write to".to_owned(), "name a file: morning-check init FILE")
    })?;
    if path.exists() && !force {
        let what = format!("{} is there already", path.display());
        return Err(Usage::new(what, "--force replaces it; --stdout only prints the template"));
    }
    let effects = Effects::new(args.common.dry_run);
    let write = || -> Result<(), PathError> {
        if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
            std::fs::create_dir_all(dir).map_err(|e| PathError::new("create", dir, e))?;
        }
        atomic::write(&path, TEMPLATE.as_bytes())
    };
    let written = effects.apply(format!("write {}", path.display()), write);
    match written.map_err(|e| Usage::verbatim(&e).with_code(ExitCode::CANTCREAT))? {
        Applied::Done(()) => {
            say(&format!("wrote {}: edit it, then run `morning-check check-config`\n", path.display()))
        }
        Applied::Would => say(&format!("would write {}\n", path.display())),
    }
}

pub(crate) fn check_config(args: &Args, env: &Environment) -> Result<ExitCode, Usage> {
    let settings = Settings::load(args, env)?;
    let files: Vec<String> = settings.loaded.files.iter().map(|f| f.display().to_string()).collect();
    let file = if files.is_empty() { "no configuration file".to_owned() } else { files.join(", ") };
    say(&format!("{file}: ok; a run would check {}\n", what_is_checked(&settings)))
}

fn what_is_checked(settings: &Settings) -> String {
    let plan = &settings.plan;
    let config = &settings.config;
    let mut parts = Vec::new();
    match &plan.clusters {
        Clusters::None => {}
        Clusters::Named(named) => parts.push(format!("{} clusters", named.len())),
        Clusters::Current => parts.push("the current cluster".to_owned()),
        Clusters::All => parts.push("every cluster of the kubeconfig".to_owned()),
    }
    if plan.prometheus {
        parts.push("Prometheus".to_owned());
    }
    if plan.aws {
        parts.push(match config.aws.regions.len() {
            0 => "every enabled AWS region".to_owned(),
            n => format!("{n} AWS regions"),
        });
    }
    if plan.local {
        parts.push("this host".to_owned());
    }
    let posted = match &settings.webhook {
        Webhook::None => "",
        Webhook::At(_) => " and post to Slack",
        Webhook::Missing(_) => " and fail to post to Slack, because the webhook's URL cannot be had",
    };
    format!("{}{posted}", parts.join(", "))
}

pub(crate) fn show_config(settings: &Settings, args: &Args) -> Result<ExitCode, Usage> {
    let shown = settings.loaded.show();
    match args.check.output {
        Some(Format::Json) => {
            let text = serde_json::to_string_pretty(&shown.to_json()).map_err(|e| Usage::from_error(&e, ""))?;
            say(&(text + "\n"))
        }
        _ => say(&shown.to_string()),
    }
}

pub(crate) fn explain(code: Option<&str>, env: &Environment) -> Result<ExitCode, Usage> {
    let Some(code) = code else {
        let rows: String = catalogue::all().map(|doc| format!("{:<20}  {}\n", doc.code, doc.title)).collect();
        return say(&rows);
    };
    let Some(doc) = catalogue::find(code) else {
        let known: Vec<&str> = catalogue::all().map(|doc| doc.code.as_str()).collect();
        let near = nearest(code, known.iter().copied());
        let advice = near.map_or_else(
            || "`morning-check explain` lists all codes".to_owned(),
            |near| format!("did you mean {near}?"),
        );
        return Err(Usage::new(format!("there is no finding code `{code}`"), &advice));
    };
    let width = env.width.filter(|_| env.stdout_terminal).unwrap_or(100).clamp(40, 100);
    let text = format!(
        "{}: {}\n\n{}\n\nWhat to do\n{}\n\nTo ignore it, add to the configuration file:\n  ignore:\n    - code: {}\n      until: 2027-01-31\n      reason: why\n",
        doc.code,
        doc.title,
        wrapped(doc.meaning, width),
        wrapped(doc.what_to_do, width),
        doc.code
    );
    say(&text)
}

/// Greedy line breaking at spaces.
fn wrapped(text: &str, width: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}

pub(crate) fn dist(dir: &Path) -> Result<ExitCode, Usage> {
    let written = cli::write_pages(&Args::command(), dir)
        .map_err(|e| Usage::from_error(&e, "").with_code(ExitCode::CANTCREAT))?;
    let rows: String = written.iter().map(|path| format!("{}\n", path.display())).collect();
    say(&rows)
}

fn say(text: &str) -> Result<ExitCode, Usage> {
    print(text).map(|()| ExitCode::OK)
}
