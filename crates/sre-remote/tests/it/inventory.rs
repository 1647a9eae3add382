//! Inventories and selections as the tools use them.

use std::fmt::Write as _;
use std::time::Duration;

use sre_core::{Classify, ErrorClass, ExitCode};
use sre_remote::inventory::{HostSet, Inventory, InventoryErrorKind, MAX_HOSTS, Selection, fold};

const FLEET: &str = r#"
vars: {user: sre, region: eu}
hosts:
  - bastion
groups:
  web:
    hosts:
      - web-[01-04]
      - canary: {port: 2222, vars: {weight: 1.10}}
    vars: {user: deploy, http_port: 8080}
    tags: [frontend]
  prod:
    children: [web, db]
    jump: bastion
    vars: {env: prod, http_port: 80}
  db:
    hosts:
      db-[a-b]: {address: 10.0.0.7, tags: [primary, postgres]}
      db-c: {user: postgres, shell: raw, tags: postgres}
  empty:
"#;

fn fleet() -> Inventory {
    Inventory::from_yaml(FLEET, "hosts.yaml").unwrap()
}

fn names(inventory: &Inventory, selection: &Selection) -> String {
    let chosen = inventory.select(selection).unwrap();
    chosen.iter().map(|host| host.name()).collect::<Vec<_>>().join(" ")
}

fn refused(inventory: &Inventory, selection: &Selection) -> String {
    format!("error: {}", inventory.select(selection).unwrap_err())
}

#[test]
fn a_host_knows_best_then_its_group_then_the_parents() {
    let fleet = fleet();
    let web = &fleet.select(&Selection::all().hosts("web-01")).unwrap()[0];
    assert_eq!(web.user(), Some("deploy"));
    let vars: Vec<_> = web.vars().collect();
    assert_eq!(vars, [("env", "prod"), ("http_port", "8080"), ("jump", "bastion"), ("region", "eu")]);
    let canary = &fleet.select(&Selection::all().hosts("canary")).unwrap()[0];
    assert_eq!((canary.port(), canary.var("weight")), (Some(2222), Some("1.10")));
    let db = fleet.group("db").unwrap();
    let told: Vec<_> = db.iter().map(|host| (host.name(), host.user().unwrap(), host.address())).collect();
    assert_eq!(told, [("db-a", "sre", "10.0.0.7"), ("db-b", "sre", "10.0.0.7"), ("db-c", "postgres", "db-c")]);
    assert_eq!(db[2].var("shell"), Some("raw"));
    let groups: Vec<_> = fleet.groups().collect();
    assert_eq!(groups, [("web", 5), ("prod", 8), ("db", 3), ("empty", 0)]);
    assert_eq!(fleet.tags().collect::<Vec<_>>(), [("primary", 2), ("postgres", 3), ("frontend", 5)]);
}

#[test]
fn selections_name_groups_tags_wildcards_and_leave_out() {
    let fleet = fleet();
    let all = Selection::all;
    assert_eq!(names(&fleet, &all()), "bastion web-01 web-02 web-03 web-04 canary db-a db-b db-c");
    assert_eq!(names(&fleet, &all().hosts("db-b,@web!web-[02-04]")), "db-b web-01 canary");
    assert_eq!(
        names(&fleet, &all().group("db").group("@web").exclude("web-*").exclude("db-a,nobody")),
        "db-b db-c canary"
    );
    assert_eq!(
        names(&fleet, &all().hosts("@prod").intersect("@tag:postgres,@tag:frontend").intersect("*-?")),
        "db-a db-b db-c"
    );
    assert_eq!(names(&fleet, &all().hosts("@*!@prod")), "bastion");
    assert_eq!(names(&fleet, &all().hosts("@empty")), "");
    assert_eq!(names(&fleet, &all().hosts("new-[1-2],web-01").exclude("new-1")), "new-2 web-01");
    let chosen = fleet.select(&all().hosts("root@web-01:2022,canary:2222,canary:22")).unwrap();
    let told: Vec<_> = chosen.iter().map(|h| (h.name(), h.address(), h.user().unwrap(), h.port().unwrap())).collect();
    let expected = [
        ("web-01", "web-01", "root", 2022),
        ("canary", "canary", "deploy", 2222),
        ("canary:22", "canary", "deploy", 22),
    ];
    assert_eq!(told, expected);
    let ports = Inventory::new().select(&all().hosts("127.0.0.1:[2201-2203]").exclude("127.0.0.1:2202")).unwrap();
    assert_eq!(fold(ports.iter().map(|host| host.name())), "127.0.0.1:[2201,2203]");
    assert!(ports.iter().all(|host| host.address() == "127.0.0.1"));
}

#[test]
fn a_wrong_selection_says_what_where_and_the_nearest_name() {
    let fleet = fleet();
    let all = Selection::all;
    insta::assert_snapshot!(refused(&fleet, &all().hosts("web-01,@webb")), @r"
    error: there is no group `webb`
      --> column 8 of `web-01,@webb`
       = did you mean `web`?
    ");
    insta::assert_snapshot!(refused(&fleet, &all().hosts("@tag:x")), @r"
    error: there is no tag `x`
      --> column 1 of `@tag:x`
       = one of: primary, postgres, frontend
    ");
    insta::assert_snapshot!(refused(&fleet, &all().hosts("app-*")), @r"
    error: no host of the inventory fits `app-*`
      --> column 1 of `app-*`
    ");
    insta::assert_snapshot!(refused(&fleet, &all().hosts("wbe-01").only_known(true)), @r"
    error: `wbe-01` is not in the inventory
      --> column 1 of `wbe-01`
       = did you mean `web-01`?
    ");
    insta::assert_snapshot!(refused(&Inventory::new(), &all().group("web")), @r"
    error: there is no group `web`
      --> column 1 of `@web`
       = the inventory has no groups: they come from a YAML inventory
    ");
    insta::assert_snapshot!(refused(&fleet, &all().exclude("web-[1-")), @r"
    error: this `[` is not closed
      --> column 5 of `web-[1-`
       = expected a `]` behind the range
    ");
    let error = fleet.select(&all().hosts("@webb")).unwrap_err();
    assert_eq!((error.kind(), error.class()), (InventoryErrorKind::UnknownGroup, ErrorClass::Application));
    assert_eq!(error.exit_code(), ExitCode::USAGE);
}

#[test]
fn a_wrong_yaml_inventory_names_line_and_column() {
    let told = |yaml: &str| format!("error: {}", Inventory::from_yaml(yaml, "hosts.yaml").unwrap_err());
    let yamls = [
        "groups:\n  web:\n    hosts:\n      - web-01\n      - web-[3-1]\n",
        "groups:\n  web:\n    hosts:\n      web-[01-x]: {port: 22}\n",
        "groups:\n  web:\n    host: [web-01]\n",
        "groups:\n  web:\n    hosts:\n      - web-01: {prot: 22}\n",
        "groups:\n  web:\n    hosts:\n      - web-01: {port: 0}\n",
        "groups:\n  web:\n    vars: {transport: shh}\n",
        "groups:\n  all:\n    children: [web, bd]\n  db:\n  web:\n",
        "groups:\n  x: {children: [a]}\n  a: {children: [b]}\n  b:\n    children: [c]\n  c: {children: [a]}\n",
        "groups:\n  a: {children: [a]}\n",
        "groups:\n  a: {hosts: h1}\n  b:\n    children:\n      a: {hosts: h2}\n",
        "groups:\n  a b: {hosts: h1}\n",
        "hosts: [web-[01-20]]\n",
        "hosts:\n  - 17\n",
        "hosts:\n  - '@web'\n",
    ];
    insta::assert_snapshot!(yamls.map(told).join("\n"), @r"
    error: invalid value for `groups.web.hosts[1]`: `web-[3-1]`: the range `3-1` runs backwards: write `1-3`
      --> hosts.yaml:5:9
    error: invalid value for `groups.web.hosts`: `web-[01-x]`: `01-x` is not a range: expected numbers or letters as in `01-20`, `0-20/4`, `a-c`, or single ones between commas
      --> hosts.yaml:4:7
    error: unknown key `host`
      --> hosts.yaml:3:5
       = did you mean `hosts`? (one of: hosts, children, tags, vars, user, port, …)
    error: unknown key `prot`
      --> hosts.yaml:4:18
       = did you mean `port`? (one of: tags, vars, user, port, address, key, …)
    error: invalid value for `groups.web.hosts[0].web-01.port`: `0` is not a port: expected a number from 1 to 65535
      --> hosts.yaml:4:24
    error: invalid value for `groups.web.vars.transport`: `shh` is not a transport: did you mean `ssh`? (one of: ssh, openssh, local)
      --> hosts.yaml:3:23
    error: there is no group `bd`
      --> hosts.yaml:3:21
       = did you mean `db`?
    error: the group `a` is inside itself: `a` → `b` → `c` → `a`
      --> hosts.yaml:3:7
    error: the group `a` is inside itself: `a` → `a`
      --> hosts.yaml:2:7
    error: the group `a` is described twice
      --> hosts.yaml:5:7
       = the first time at hosts.yaml:2:3
    error: invalid value for `groups`: the name of a group or tag has letters, digits, `-`, `_` and `.`
      --> hosts.yaml:2:3
    error: this is not YAML: a pattern in a list of `[…]` stands without quotes
      --> hosts.yaml:1:13
       = write `['web-[01-20]']`, or one host a line after `- `
    error: invalid value for `hosts[0]`: expected hosts such as `web-[01-20]`: one, a list, or a map of hosts and their settings, found `17`
      --> hosts.yaml:2:5
    error: invalid value for `hosts[0]`: `@web`: only host names and `,` stand here: groups within a group are its `children`
      --> hosts.yaml:2:5
    ");
}

#[test]
fn inventories_are_merged_host_by_host() {
    let servers = Inventory::from_servers("web-01 rack=7 user=root\nnew-01\nh:1\nh:2\n", "servers.txt").unwrap();
    let more = Inventory::from_yaml("groups: {web: {hosts: new-01}, own: {hosts: 'h:3'}}", "more.yaml").unwrap();
    let all = fleet().merge(&servers).unwrap().merge(&more).unwrap();
    let web = &all.group("web").unwrap();
    assert_eq!(web.last().map(|host| host.name()), Some("new-01"));
    assert_eq!((web[0].user(), web[0].var("rack"), web[0].var("env")), (Some("root"), Some("7"), Some("prod")));
    assert_eq!(
        fold(all.hosts().iter().map(|host| host.name())),
        "bastion,canary,db-a,db-b,db-c,h:[1-3],new-01,web-[01-04]"
    );
    assert_eq!(names(&all, &Selection::all().hosts("h").exclude("h:2")), "h:1 h:3");
    let error = Inventory::read_servers(&b"web-01\nweb-[1-2\n"[..], "-").unwrap_err();
    assert_eq!(format!("{error:#}"), "this `[` is not closed at -:2:5: expected a `]` behind the range");
}

#[test]
fn too_many_hosts_are_refused_before_they_are_made() {
    let error = HostSet::parse("a[1-999999999999]").unwrap_err();
    assert_eq!(error.kind(), InventoryErrorKind::Limit);
    let error = HostSet::parse("a[1-600000],b-[1-600000]").unwrap_err();
    assert_eq!(
        format!("{error:#}").split(':').next(),
        Some("more than 1000000 hosts up to here at column 13 of `a[1-600000],b-[1-600000]`")
    );
    assert_eq!(MAX_HOSTS, 1_000_000);
}

/// What this thread has had of the processor: other tests do not count.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(stat.split_whitespace().next().unwrap().parse().unwrap())
}

/// A small part of a second when optimized; the bound is for a debug build.
#[test]
fn a_hundred_thousand_hosts_take_no_time_to_speak_of() {
    const BOUND: Duration = Duration::from_secs(5);
    let mut text = String::new();
    for i in 0..100_000 {
        writeln!(text, "sre@web-{i:06}.dc{}.example:22 rack={}", i % 7, i / 40).unwrap();
    }
    let timed = |what: &str, start: Duration| {
        let took = cpu_time() - start;
        eprintln!("{what}: {took:?}");
        assert!(took < BOUND, "{what} took {took:?}");
    };
    let start = cpu_time();
    let inventory = Inventory::from_servers(&text, "servers.txt").unwrap();
    timed("a servers file", start);
    let start = cpu_time();
    let chosen = inventory.select(&Selection::all().hosts("*.dc[1-6].example").exclude("web-*7.dc3.example")).unwrap();
    timed("a selection", start);
    let start = cpu_time();
    let folded = fold(chosen.iter().map(|host| host.name()));
    timed("folding two dimensions", start);
    let start = cpu_time();
    assert_eq!(HostSet::parse(&folded).unwrap().len(), chosen.len());
    timed("expanding what was folded", start);
    let start = cpu_time();
    let set = HostSet::parse("rack[001-500]-node[001-200]").unwrap();
    timed("a pattern", start);
    let start = cpu_time();
    assert_eq!(set.to_string(), "rack[001-500]-node[001-200]");
    timed("folding a product", start);
    let yaml = format!(
        "groups:\n  web:\n    hosts:\n{}",
        (0..20_000).map(|i| format!("      - web-{i}\n")).collect::<String>()
    );
    let start = cpu_time();
    assert_eq!(Inventory::from_yaml(&yaml, "hosts.yaml").unwrap().len(), 20_000);
    timed("a YAML inventory", start);
}

#[test]
fn the_examples_of_the_manual_are_right() {
    let manual = include_str!("../../../../docs/fleet-run.md");
    let block = |start: &str| manual.split_once(start).unwrap().1.split("\n```").next().unwrap();
    let servers =
        Inventory::from_servers(&format!("# production{}", block("```\n# production")), "servers.txt").unwrap();
    assert_eq!((servers.len(), servers.hosts()[2].var("key")), (21, Some("/home/sre/.ssh/deploy key")));
    let fleet = Inventory::from_yaml(block("```yaml\n"), "fleet.yaml").unwrap();
    let names: Vec<_> = fleet.groups().collect();
    assert_eq!(names, [("prod", 24), ("web", 20), ("db", 4)]);
    assert_eq!(names_folded(&fleet, "@prod!@db"), "web-[01-20].example");
    assert_eq!(names_folded(&fleet, "@tag:postgres"), "db-a.example,db-b.example,db-c.example");
    assert_eq!(fleet.group("db").unwrap()[0].var("jump"), Some("bastion.example"));
    for expression in ["web-[01-20,30].example", "rack[1-3]-node[01-16]", "n[0-20/4]", "[blue,green]-1", "a^b"] {
        assert!(manual.contains(&format!("`{expression}`")) && HostSet::parse(expression).is_ok(), "{expression}");
    }
}

fn names_folded(inventory: &Inventory, expression: &str) -> String {
    fold(inventory.select(&Selection::all().hosts(expression)).unwrap().iter().map(|host| host.name()))
}
