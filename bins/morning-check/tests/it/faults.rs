//! The fault matrix: every fault at every source, beside a healthy cluster whose result must stand.
//!
//! The table is [`MATRIX`]; a cell that cannot be says why. Every run has `--timeout 4s --deadline 5s`.

use std::any::Any;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use sre_testkit::aws::{AwsApi, Instance, sts_error};
use sre_testkit::kubernetes::{KubeApi, Kubeconfig, objects};
use sre_testkit::scripted::{Blackhole, Reply, Request, Server};

use crate::rig::{Outcome, Rig, codes, source};
use Cell::{Empty, Fails, Partial, Stands};
use Fault::*;

const DEADLINE: Duration = Duration::from_secs(5);
/// Two cores have to do for the tests' servers and the programs.
const SIDE_BY_SIDE: usize = 6;
const APP: &str = "application";
const AUTH: &str = "auth";
const NET: &str = "connection";
/// A resolver takes from milliseconds to seconds to say that there is no such name.
const SOME: u64 = u64::MAX;

/// What is wrong with a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Refused,
    Swallowed,
    NoName,
    Hangs,
    Reset,
    Untrusted,
    Status401,
    Status403,
    Status404,
    GoneInMidList,
    OnceTooMany,
    AlwaysTooMany,
    TwiceBroken,
    Busy,
    Warns,
    Truncated,
    Huge,
    PluginHangs,
    Expired,
}

/// What a fault does to a source.
#[derive(Debug, Clone, Copy)]
enum Cell {
    /// It has no result; class and attempts of its error.
    Fails(&'static str, u64),
    /// A part of it has none: an Alertmanager that fails takes nothing from Prometheus.
    Partial(&'static str, u64),
    /// The result is whole all the same.
    Stands,
    /// The fault cannot happen there.
    Empty(&'static str),
}

/// One line of the matrix: Kubernetes, Prometheus, Alertmanager, AWS.
const MATRIX: [(Fault, [Cell; 4]); 19] = [
    (Refused, [Fails(NET, 3), Fails(NET, 3), Partial(NET, 3), Fails(NET, 3)]),
    // A firewall drops the packets. The source's own timeout is over with the first attempt, here and in the line after the next.
    (Swallowed, [Fails(NET, 1), Fails(NET, 1), Partial(NET, 1), Fails(NET, 1)]),
    (NoName, [Fails(NET, SOME), Fails(NET, SOME), Partial(NET, SOME), Fails(NET, SOME)]),
    (Hangs, [Fails(NET, 1), Fails(NET, 1), Partial(NET, 1), Fails(NET, 1)]),
    (Reset, [Fails(NET, 3), Fails(NET, 3), Partial(NET, 3), Fails(NET, 3)]),
    (Untrusted, [Fails(NET, 1), Fails(NET, 1), Partial(NET, 1), Fails(NET, 1)]),
    (Status401, [Fails(AUTH, 1), Fails(AUTH, 1), Partial(AUTH, 1), Fails(AUTH, 1)]),
    (Status403, [Fails(AUTH, 1), Fails(AUTH, 1), Partial(AUTH, 1), Fails(AUTH, 1)]),
    (Status404, [Fails(APP, 1), Fails(APP, 1), Partial(APP, 1), Fails(APP, 1)]),
    (GoneInMidList, [Stands, Empty("it has no lists in pages"), Empty("nor has it"), Empty("its pages do not expire")]),
    (OnceTooMany, [Stands, Stands, Stands, Stands]),
    (AlwaysTooMany, [Fails(APP, 3), Fails(APP, 3), Partial(APP, 3), Fails(APP, 3)]),
    (TwiceBroken, [Stands, Stands, Stands, Stands]),
    (Busy, [Fails(APP, 3), Fails(APP, 3), Partial(APP, 3), Fails(APP, 3)]),
    (
        Warns,
        [
            Empty("its warnings are about deprecated versions, not about the answer"),
            Partial("", 0),
            Empty("its API has none"),
            Empty("its API has none"),
        ],
    ),
    (Truncated, [Fails(APP, 1), Fails(APP, 1), Partial(APP, 1), Fails(APP, 1)]),
    (Huge, [Fails(APP, 1), Fails(APP, 1), Partial(APP, 1), Fails(APP, 1)]),
    (PluginHangs, [Fails(AUTH, 1), Empty("no plugins"), Empty("no plugins"), Fails(AUTH, 1)]),
    (Expired, [Fails(AUTH, 1), Fails(AUTH, 1), Partial(AUTH, 1), Fails(AUTH, 1)]),
];

/// The order of the matrix' columns.
const SOURCES: [&str; 4] = ["kubernetes", "prometheus", "alertmanager", "aws"];

#[tokio::test(flavor = "multi_thread")]
async fn no_fault_of_one_source_hides_another() {
    let healthy = healthy_cluster().await;
    let cells = MATRIX.iter().flat_map(|(fault, cells)| {
        cells.iter().zip(SOURCES).filter_map(|(cell, source)| match cell {
            Empty(why) => {
                assert!(!why.is_empty());
                None
            }
            cell => Some((*fault, *cell, source)),
        })
    });
    let healthy = &healthy;
    let wrong: Vec<String> = stream::iter(cells)
        .map(|(fault, cell, source)| async move {
            let outcome = with_fault(fault, source, healthy).await;
            let problems = judge(cell, source, &outcome);
            (!problems.is_empty()).then(|| format!("{fault:?} at {source}: {problems:?}\n{outcome:?}"))
        })
        .buffer_unordered(SIDE_BY_SIDE)
        .filter_map(std::future::ready)
        .collect()
        .await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// A node that is cordoned: a finding, but none that decides the exit code.
async fn healthy_cluster() -> KubeApi {
    let mut node = objects::node("node-1", true);
    node["spec"]["unschedulable"] = json!(true);
    KubeApi::builder().nodes(vec![node]).start().await
}

fn judge(cell: Cell, kind: &str, outcome: &Outcome) -> Vec<String> {
    let mut problems = Vec::new();
    let mut check = |holds: bool, what: &str| {
        if !holds {
            problems.push(what.to_owned());
        }
    };
    check(outcome.stderr.is_empty(), "the report says it all, and nothing says it twice");
    let report = outcome.json();
    let healthy = source(&report, "kubernetes", "healthy");
    check(healthy["state"] == "answered", "the other source's result stands");
    check(codes(&report).contains(&("K8S-NODE-CORDONED".to_owned(), "info".to_owned())), "its finding is there");
    check(outcome.took <= DEADLINE + Duration::from_secs(1), "it ends in time");
    let key = if kind == "alertmanager" { "prometheus" } else { kind };
    let mut faulty = report["sources"].as_array().unwrap().iter().filter(|s| s["source"] == key);
    let faulty = faulty.find(|s| s["target"] != "healthy").unwrap();
    let seen = |error: &Value| (error["class"].clone(), error["attempts"].clone());
    let (state, code, error) = match cell {
        Stands | Empty(_) => ("answered", 0, None),
        Fails(class, attempts) => ("failed", 2, Some((seen(&faulty["error"]), class, attempts))),
        Partial("", _) => ("partial", 2, None),
        Partial(class, attempts) => {
            ("partial", 2, Some((seen(&report["prometheus"]["failed_checks"][0]), class, attempts)))
        }
    };
    check(faulty["state"] == state, &format!("its state is {state}"));
    check(outcome.code == Some(code) && report["verdict"]["exit_code"] == code, &format!("the exit code is {code}"));
    let status = if code == 0 { "healthy" } else { "unknown" };
    check(report["verdict"]["status"] == status, &format!("the verdict is {status}"));
    if let Some((seen, class, attempts)) = error {
        let counted = if attempts == SOME { (1..=3).any(|n| seen.1 == n) } else { seen.1 == attempts };
        check(seen.0 == class && counted, &format!("{class} error, {attempts} attempts"));
    }
    problems
}

async fn with_fault(fault: Fault, source: &str, healthy: &KubeApi) -> Outcome {
    let (nowhere, _hole) = nowhere(fault).await;
    let mut rig = Rig::new();
    let config = Kubeconfig::new().api("healthy", healthy);
    let mut args: Vec<String> =
        ["-o", "json", "--timeout", "4s", "--deadline", "5s", "-c", "healthy"].map(str::to_owned).into();
    let mut add = |more: &[&str]| args.extend(more.iter().map(|&arg| arg.to_owned()));
    let (config, _servers): (Kubeconfig, Vec<Box<dyn Any>>) = match source {
        "kubernetes" => {
            add(&["-c", "faulty"]);
            match nowhere {
                Some(url) => (config.unreachable("faulty", &url.replace("http:", "https:")), vec![]),
                None => {
                    let (config, api) = faulty_cluster(fault, config).await;
                    (config, vec![Box::new(api)])
                }
            }
        }
        "prometheus" => {
            let server = faulty_server(fault).await;
            add(&["--prometheus-url", &nowhere.unwrap_or(server.url())]);
            (config, vec![Box::new(server)])
        }
        "alertmanager" => {
            let faulty = faulty_server(fault).await;
            let fine = Server::start(|request| metrics(request, None)).await;
            add(&["--prometheus-url", &fine.url(), "--alertmanager-url", &nowhere.unwrap_or(faulty.url())]);
            (config, vec![Box::new(faulty), Box::new(fine)])
        }
        _ => {
            add(&["-r", "us-east-1"]);
            if fault == PluginHangs {
                add(&["--profile", "slow"]);
            }
            let server = faulty_cloud(fault, nowhere, &mut rig).await;
            (config, vec![server])
        }
    };
    rig.kubeconfig(&config);
    rig.run(args).await
}

/// Where no server is, for the faults that need none.
async fn nowhere(fault: Fault) -> (Option<String>, Option<Blackhole>) {
    match fault {
        Refused => (Some(sre_testkit::refused_url()), None),
        NoName => (Some("http://no-such-host.invalid:9090".to_owned()), None),
        Swallowed => {
            let hole = Blackhole::start().await;
            (Some(hole.url()), Some(hole))
        }
        _ => (None, None),
    }
}

/// A cluster with the fault, as the context `faulty`.
async fn faulty_cluster(fault: Fault, config: Kubeconfig) -> (Kubeconfig, KubeApi) {
    let pods = (0..1200).map(|n| objects::pod("shop", &format!("web-{n}"))).collect();
    let builder = KubeApi::builder().nodes(vec![objects::node("node-1", true)]);
    let api = match fault {
        GoneInMidList => builder.pods(pods).expire_lists_after("pods", 900),
        // Seven lists of 64 MiB each until they are refused would take longer than the timeout: it is announced here.
        Huge => builder.fault(|_, _| Some(Reply::endless(300 << 20).header("content-length", (300 << 20).to_string()))),
        _ => builder.fault(move |_, nth| spoiled(fault, nth)),
    };
    let api = api.start().await;
    let config = match fault {
        Untrusted => config.api_untrusted("faulty", &api),
        PluginHangs => config.exec("faulty", &api, "sleep", &["600"]),
        Expired => config.api_with_token("faulty", &api, "of-yesterday"),
        _ => config.api("faulty", &api),
    };
    (config, api)
}

/// A Prometheus, or an Alertmanager, with the fault.
async fn faulty_server(fault: Fault) -> Server {
    let count = AtomicUsize::new(0);
    let handler = move |request: &Request| {
        let warning = (fault == Warns).then_some("a remote read failed");
        spoiled(fault, count.fetch_add(1, Ordering::SeqCst)).unwrap_or_else(|| metrics(request, warning))
    };
    if fault == Untrusted { Server::start_tls(handler).await } else { Server::start(handler).await }
}

/// What a Prometheus with no data and an Alertmanager with no alerts say.
fn metrics(request: &Request, warning: Option<&str>) -> Reply {
    let data = match request.path.as_str() {
        "/api/v2/alerts" => return Reply::json(200, &json!([])),
        "/api/v1/alerts" => json!({ "alerts": [] }),
        _ => json!({ "resultType": "vector", "result": [] }),
    };
    let mut envelope = json!({ "status": "success", "data": data });
    if let Some(warning) = warning {
        envelope["warnings"] = json!([warning]);
    }
    Reply::json(200, &envelope)
}

/// An AWS with the fault, which the rig's environment names.
async fn faulty_cloud(fault: Fault, nowhere: Option<String>, rig: &mut Rig) -> Box<dyn Any> {
    rig.config("aws: {buckets: false}");
    if fault == PluginHangs {
        rig.unset("AWS_ACCESS_KEY_ID");
        rig.unset("AWS_SECRET_ACCESS_KEY");
        // The SDK starts it and nobody ends it: it has to end by itself, but after the deadline.
        rig.file(".aws/config", "[profile slow]\ncredential_process = sleep 8\n");
    }
    if fault == Untrusted {
        let server = Server::start_tls(|_| Reply::text(200, "never asked")).await;
        rig.set("AWS_ENDPOINT_URL", server.url());
        return Box::new(server);
    }
    let count = AtomicUsize::new(0);
    let refused = |status, code| Some(sts_error(status, code, "no"));
    let api = AwsApi::builder().instance("us-east-1", Instance::running("i-0000000000000001"));
    let api = api.fault(move |_, _| match fault {
        Status401 => refused(401, "AuthFailure"),
        Status403 => refused(403, "AccessDenied"),
        Expired => refused(400, "ExpiredToken"),
        _ => spoiled(fault, count.fetch_add(1, Ordering::SeqCst)),
    });
    let api = api.start().await;
    rig.set("AWS_ENDPOINT_URL", nowhere.unwrap_or(api.url()));
    Box::new(api)
}

/// The answer number `nth` of a server with the fault; `None` for the right one.
fn spoiled(fault: Fault, nth: usize) -> Option<Reply> {
    let slow_down = || Reply::text(429, "slow down").header("retry-after", "1");
    match fault {
        Hangs => Some(Reply::hang()),
        Reset => Some(Reply::reset_after(200, "x".repeat(1000), 10)),
        Status401 => Some(Reply::text(401, "no")),
        Expired => Some(Reply::text(401, "no").header("www-authenticate", "Bearer error=\"invalid_token\"")),
        Status403 => Some(Reply::text(403, "no")),
        Status404 => Some(Reply::text(404, "no")),
        OnceTooMany => (nth == 0).then(slow_down),
        AlwaysTooMany => Some(slow_down()),
        TwiceBroken => (nth < 2).then(|| Reply::text(500, "oops")),
        Busy => Some(Reply::text(503, "busy")),
        Truncated => Some(Reply::bytes(200, "application/json", "{\"status\": \"succ")),
        Huge => Some(Reply::endless(300 << 20)),
        Refused | Swallowed | NoName | Untrusted | GoneInMidList | Warns | PluginHangs => None,
    }
}
