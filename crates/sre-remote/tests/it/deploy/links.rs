//! Switching a link, and taking it back, by a real shell.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use sre_remote::Host;
use sre_remote::rollout::Executor as _;

use super::rig::{Answers, executor, plan};

struct Site {
    dir: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for name in ["v1", "v2"] {
            fs::create_dir_all(dir.path().join("it's $(touch x)").join(name)).unwrap();
        }
        Self { dir }
    }

    fn root(&self) -> std::path::PathBuf {
        self.dir.path().join("it's $(touch x)")
    }

    fn link(&self) -> std::path::PathBuf {
        self.root().join("current")
    }

    fn yaml(&self, target: &str) -> String {
        let link = self.link().display().to_string();
        format!("steps:\n  - link: \"{link}\"\n    to: \"{target}\"\nrollback:\n  - restore: \"{link}\"\n")
    }

    async fn deploy(&self, target: &str) -> Result<(), String> {
        let executor = executor(plan(&self.yaml(target)), Answers::default());
        executor.deploy(&Host::new("h")).await.map_err(|failure| failure.reason)
    }

    async fn roll_back(&self) {
        executor(plan(&self.yaml("{version}")), Answers::default()).roll_back(&Host::new("h")).await.unwrap();
    }

    fn points_to(&self) -> Option<String> {
        fs::read_link(self.link()).ok().map(|path| path.display().to_string())
    }

    fn names(&self) -> Vec<String> {
        let name = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
        let mut names: Vec<String> = fs::read_dir(self.root()).unwrap().map(|entry| name(entry.unwrap())).collect();
        names.sort();
        names
    }
}

#[tokio::test]
async fn a_link_to_a_folder_is_replaced_and_taken_back() {
    let site = Site::new();
    symlink("v1", site.link()).unwrap();
    for _ in 0..2 {
        site.deploy("{version}").await.unwrap();
        assert_eq!(site.points_to().as_deref(), Some("v2"));
        assert_eq!(fs::read_link(site.root().join("current.previous")).unwrap(), Path::new("v1"));
    }
    for _ in 0..2 {
        site.roll_back().await;
        assert_eq!(site.points_to().as_deref(), Some("v1"));
    }
    assert_eq!(site.names(), ["current", "current.previous", "v1", "v2"]);
    assert_eq!(fs::read_dir(site.root().join("v1")).unwrap().count(), 0, "moved into the folder");
}

#[tokio::test]
async fn what_this_version_did_not_switch_is_not_taken_back() {
    let site = Site::new();
    symlink("v1", site.link()).unwrap();
    // Left by an earlier deployment.
    symlink("v0", site.root().join("current.previous")).unwrap();
    site.roll_back().await;
    assert_eq!(site.points_to().as_deref(), Some("v1"));
}

#[tokio::test]
async fn a_first_link_is_removed_again() {
    let site = Site::new();
    symlink("v0", site.root().join("current.previous")).unwrap();
    site.deploy("{version}").await.unwrap();
    assert_eq!(site.points_to().as_deref(), Some("v2"));
    site.roll_back().await;
    assert_eq!((site.points_to(), site.names()), (None, vec!["v1".to_owned(), "v2".to_owned()]));
}

#[tokio::test]
async fn what_is_no_link_and_what_is_not_there_is_refused() {
    let site = Site::new();
    let said = site.deploy("nowhere").await.unwrap_err();
    assert!(said.ends_with("exit 1: nowhere does not exist"), "{said}");
    fs::create_dir(site.link()).unwrap();
    let said = site.deploy("{version}").await.unwrap_err();
    assert!(said.ends_with("current is there and is not a symbolic link"), "{said}");
    assert!(site.link().is_dir());
}
