//! Commands that are hard to take back, so that many hosts do not get them by a slip of the hand.
//!
//! This is a net with wide meshes against accidents, not against intent: shell text can hide anything. `docs/fleet-run.md`
//! has the list.

/// Programs that destroy or stop something whatever their arguments.
const ALWAYS: [&str; 25] = [
    "reboot",
    "shutdown",
    "halt",
    "poweroff",
    "telinit",
    "wipefs",
    "fdisk",
    "sfdisk",
    "sgdisk",
    "parted",
    "shred",
    "blkdiscard",
    "lvremove",
    "vgremove",
    "pvremove",
    "userdel",
    "groupdel",
    "deluser",
    "kill",
    "killall",
    "pkill",
    "ifdown",
    "swapoff",
    "dropdb",
    "kexec",
];

/// Programs that do with one of these words.
const WITH_WORD: [(&str, &[&str]); 14] = [
    (
        "systemctl",
        &["stop", "restart", "disable", "mask", "kill", "isolate", "reboot", "poweroff", "halt", "rescue", "emergency"],
    ),
    ("service", &["stop", "restart"]),
    ("init", &["0", "1", "6"]),
    ("apt", &["remove", "purge", "autoremove"]),
    ("apt-get", &["remove", "purge", "autoremove"]),
    ("yum", &["remove", "erase", "autoremove"]),
    ("dnf", &["remove", "erase", "autoremove"]),
    ("dpkg", &["-r", "-P", "--remove", "--purge"]),
    ("docker", &["rm", "rmi", "prune", "stop", "kill"]),
    ("podman", &["rm", "rmi", "prune", "stop", "kill"]),
    ("kubectl", &["delete", "drain"]),
    ("iptables", &["-F", "--flush", "-P"]),
    ("nft", &["flush"]),
    ("crontab", &["-r"]),
];

/// What stands before a command without being it.
const BEFORE: [&str; 14] =
    ["sudo", "doas", "env", "nohup", "time", "exec", "xargs", "nice", "then", "do", "else", "setsid", "timeout", "!"];

/// The first destructive-looking command of a shell text or script, as its name and what makes it so: `rm -rf`.
pub(crate) fn find(text: &str) -> Option<String> {
    let text = text.replace("\\\n", " ");
    if let Some(at) = text.find("/dev/sd").or_else(|| text.find("/dev/nvme")).or_else(|| text.find("/dev/vd"))
        && text[..at].trim_end().ends_with('>')
    {
        return Some("> /dev/…".to_owned());
    }
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    lines.flat_map(|line| line.split([';', '|', '&', '(', ')', '`', '{', '}', '"', '\''])).find_map(in_simple_command)
}

fn in_simple_command(text: &str) -> Option<String> {
    let mut words = text.split_whitespace().skip_while(|word| {
        let name = word.rsplit('/').next().unwrap_or(word);
        let assignment = word.split_once('=').is_some_and(|(name, _)| !name.is_empty() && !name.contains('/'));
        let number = word.chars().next().is_some_and(|c| c.is_ascii_digit());
        BEFORE.contains(&name) || assignment || word.starts_with('-') || number || *word == "$"
    });
    let first = words.next()?;
    let name = first.rsplit('/').next().unwrap_or(first);
    let rest: Vec<&str> = words.collect();
    if ALWAYS.contains(&name) || name.starts_with("mkfs") {
        return Some(name.to_owned());
    }
    if let Some((_, bad)) = WITH_WORD.iter().find(|(program, _)| *program == name) {
        return rest.iter().find(|word| bad.contains(word)).map(|word| format!("{name} {word}"));
    }
    let short = |letters: &str| {
        rest.iter().find(|w| w.starts_with('-') && !w.starts_with("--") && w.contains(|c| letters.contains(c)))
    };
    let long = |word: &str| rest.iter().find(|w| **w == word);
    let flag = match name {
        "rm" => short("rR").or_else(|| long("--recursive")).or_else(|| short("f")),
        "chmod" | "chown" | "chgrp" => short("R").or_else(|| long("--recursive")),
        "dd" => rest.iter().find(|w| w.starts_with("of=")),
        "find" => long("-delete"),
        "truncate" => short("s"),
        _ => None,
    };
    flag.map(|flag| format!("{name} {flag}"))
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn what_destroys_is_found_wherever_it_stands() {
        for (text, found) in [
            ("rm -rf /var/cache/app", "rm -rf"),
            ("sudo -n /bin/rm -fr x", "rm -fr"),
            ("cd /srv && rm --recursive old", "rm --recursive"),
            ("uptime; reboot", "reboot"),
            ("LANG=C systemctl restart nginx", "systemctl restart"),
            ("mkfs.ext4 /dev/sdb1", "mkfs.ext4"),
            ("dd if=/dev/zero of=/dev/sda bs=1M", "dd of=/dev/sda"),
            ("if true; then shutdown -h now; fi", "shutdown"),
            ("echo x > /dev/sda", "> /dev/…"),
            ("sh -c 'kill -9 1'", "kill"),
            ("ls | xargs rm -f", "rm -f"),
            ("#!/bin/sh\nset -e\n# reboot later\napt-get -y purge nginx\n", "apt-get purge"),
            ("timeout 5 systemctl stop nginx", "systemctl stop"),
            ("find /tmp -name x -delete", "find -delete"),
        ] {
            assert_eq!(find(text).as_deref(), Some(found), "{text}");
        }
    }

    #[test]
    fn what_only_looks_is_left_alone() {
        for text in [
            "uptime -p",
            "systemctl is-active nginx",
            "systemctl status nginx",
            "echo the reboot is tomorrow",
            "rm one-file",
            "ls /dev/sda",
            "dd if=/dev/sda bs=512 count=1",
            "last reboot",
            "# reboot",
            "df -h / | tail -1",
            "",
        ] {
            assert_eq!(find(text), None, "{text}");
        }
    }
}
