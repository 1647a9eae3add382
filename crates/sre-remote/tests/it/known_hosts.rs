//! Our known_hosts beside `ssh-keygen -F`, and its speed.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use proptest::prelude::*;
use sre_remote::known_hosts::{HostKey, KnownHosts, Verdict, render_line};

const HOSTS: [&str; 8] = ["web-1", "web-2", "db.example", "a.b.example", "192.0.2.7", "::1", "x", "WEB-3"];
const PORTS: [u16; 3] = [22, 2222, 22000];

/// Keys of three types, made by OpenSSH: `TYPE BASE64`.
fn keys() -> &'static [String] {
    static KEYS: OnceLock<Vec<String>> = OnceLock::new();
    KEYS.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let make = |(n, kind): (usize, &str)| {
            let file = dir.path().join(n.to_string());
            let bits: &[&str] = if kind == "rsa" { &["-b", "2048"] } else { &[] };
            ssh_keygen(&[&["-q", "-N", "", "-t", kind, "-f", file.to_str().unwrap()], bits].concat());
            let public = fs::read_to_string(file.with_extension("pub")).unwrap();
            public.rsplit_once(' ').unwrap().0.to_owned()
        };
        ["ed25519", "ed25519", "ecdsa", "rsa"].into_iter().enumerate().map(make).collect()
    })
}

fn ssh_keygen(arguments: &[&str]) -> String {
    let output = Command::new("ssh-keygen")
        .args(arguments)
        .output()
        .unwrap_or_else(|e| panic!("no ssh-keygen ({e}): install OpenSSH's client, or run `cargo xtask peers`"));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The lines and fingerprints that OpenSSH finds. With `-l` it reads the keys too, as `ssh` does.
fn theirs(file: &Path, name: &str) -> Vec<(u32, String)> {
    let said = ssh_keygen(&["-l", "-F", name, "-f", file.to_str().unwrap()]);
    let mut found = Vec::new();
    let mut lines = said.lines();
    while let Some(line) = lines.next() {
        let number = line.split_once("found: line ").unwrap().1.split(' ').next().unwrap().parse().unwrap();
        let print = lines.next().unwrap().split(' ').find(|word| word.starts_with("SHA256:")).unwrap();
        found.push((number, print.to_owned()));
    }
    found
}

fn ours(known: &KnownHosts, text: &str, host: &str, port: u16) -> Vec<(u32, String)> {
    let print = |line: u32| {
        let words = text.lines().nth(line as usize - 1).unwrap().split_ascii_whitespace();
        let key = words.filter_map(|word| HostKey::from_base64(word).ok()).next().unwrap();
        key.fingerprint().to_string()
    };
    known.places(host, port).iter().map(|place| (place.line(), print(place.line()))).collect()
}

fn name(host: &str, port: u16) -> String {
    if port == 22 { host.to_owned() } else { format!("[{host}]:{port}") }
}

fn names() -> impl Strategy<Value = String> {
    let exact = (prop::sample::select(&HOSTS[..]), prop::sample::select(&PORTS[..])).prop_map(|(h, p)| name(h, p));
    let pattern = prop::sample::select(
        &["*", "web-?", "!web-2", "*.example", "!db.*", "[*]:2222", "?", "", "*1", "[web-?]:22*", "!*", "192.0.2.*"][..],
    );
    let one = prop_oneof![3 => exact, 2 => pattern.prop_map(str::to_owned)];
    prop::collection::vec(one, 1..4).prop_map(|names| names.join(","))
}

fn good_line() -> impl Strategy<Value = String> {
    let marker = prop_oneof![6 => Just(""), 1 => Just("@revoked "), 1 => Just("@cert-authority \t")];
    let end = prop::sample::select(&["", " comment", " two words", "\r", " # x"][..]);
    (marker, names(), 0..4_usize, end).prop_map(|(marker, names, key, end)| {
        let (kind, base64) = keys()[key].split_once(' ').unwrap();
        format!("{marker}{names} {kind}\t{base64}{end}")
    })
}

fn odd_line() -> impl Strategy<Value = String> {
    let key = keys()[0].clone();
    let (kind, base64) = key.split_once(' ').unwrap();
    let cut = &base64[..base64.len() - 3];
    prop::sample::select(vec![
        String::new(),
        "# web-1".to_owned(),
        format!(" \t web-1 {key}"),
        "web-1".to_owned(),
        format!("web-1 {kind}"),
        format!("web-1 {kind} {cut}"),
        format!("web-1 ssh-rsa {base64}"),
        format!("web-1 {base64}"),
        format!("@unknown web-1 {key}"),
        format!("@revoked @revoked web-1 {key}"),
        format!("@revoked {key}"),
        format!("|1|AAAA|AAAA {key}"),
        format!("|2|x {key}"),
        "web-1 1024 35 1234567".to_owned(),
        format!("web-1 # {key}"),
        format!("web-1,,web-2 {key}"),
        "\u{e4}\u{f6} garbage".to_owned(),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_same_lines_are_found(
        hashed in prop::collection::vec(good_line(), 0..5),
        clear in prop::collection::vec(prop_oneof![good_line(), odd_line()], 0..12),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("known_hosts");
        fs::write(&file, hashed.join("\n") + "\n").unwrap();
        ssh_keygen(&["-q", "-H", "-f", file.to_str().unwrap()]);
        let mut text = fs::read_to_string(&file).unwrap();
        text.push_str(&clear.join("\n"));
        fs::write(&file, &text).unwrap();
        let (known, _) = KnownHosts::parse(&text, "kh");
        for (host, port) in HOSTS.iter().zip([22, 2222].into_iter().cycle()).chain([(&"web-1", 2222)]) {
            let name = name(host, port).to_lowercase();
            prop_assert_eq!(ours(&known, &text, host, port), theirs(&file, &name), "{} in\n{}", name, text);
        }
    }
}

#[test]
fn openssh_finds_the_lines_that_we_write() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("known_hosts");
    for (n, host) in HOSTS.iter().enumerate() {
        let key = HostKey::from_base64(keys()[n % 4].split_once(' ').unwrap().1).unwrap();
        for (port, salt) in [(22, None), (2222, Some([u8::try_from(n).unwrap(); 20]))] {
            fs::write(&file, render_line(host, port, &key, salt) + "\n").unwrap();
            let found = theirs(&file, &name(host, port).to_lowercase());
            assert_eq!(found, [(1, key.fingerprint().to_string())], "{host} {port}");
        }
    }
}

/// The bounds are some times what an idle machine needs unoptimised, so that a busy one passes as well.
#[test]
fn a_hundred_thousand_lines_and_five_hundred_lookups() {
    let key = "AAAAC3NzaC1lZDI1NTE5AAAAIFrSvJOmZTAgpE9qSPS5wNKAlhKrcTEVYqFGSSMS9Xgh";
    let key = HostKey::from_base64(key).unwrap();
    let line = format!(" {} {}", key.key_type(), key.to_base64());
    let mut text = String::new();
    for n in 0..100_000 {
        writeln!(text, "host-{n},10.{}.{}.{}{line}", n >> 16, (n >> 8) & 255, n & 255).unwrap();
    }
    for n in 0..300_u32 {
        let mut salt = [0; 20];
        salt[..4].copy_from_slice(&n.to_be_bytes());
        writeln!(text, "{}", render_line(&format!("hashed-{n}"), 22, &key, Some(salt))).unwrap();
    }
    let started = cpu_time();
    let (known, problems) = KnownHosts::parse(&text, "kh");
    let parsed = cpu_time();
    assert_eq!((known.len(), problems.len()), (100_300, 0));
    for n in 0..250 {
        for host in [format!("host-{}", n * 399), format!("hashed-{n}")] {
            assert!(matches!(known.lookup(&host, 22, &key), Verdict::Known { .. }));
        }
    }
    let asked = cpu_time();
    println!("read in {:?}, 500 lookups in {:?}", parsed - started, asked - parsed);
    assert!(parsed - started < Duration::from_secs(8) && asked - parsed < Duration::from_secs(8));
}

/// CPU time of this process: nextest runs a test a process.
fn cpu_time() -> Duration {
    let time = nix::time::clock_gettime(nix::time::ClockId::CLOCK_PROCESS_CPUTIME_ID).unwrap();
    Duration::from(time)
}
