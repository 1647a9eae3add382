//! READY, STATUS and RESTARTS against what a real API server's printer says, and against anything at all.

use proptest::prelude::*;
use serde_json::{Value, json};
use sre_cloud::kubernetes::{Page, Pod, PodRow, PodTally, PodThresholds, judge_pod};
use sre_testkit::fixtures;

fn agrees(list: &str, table: &[fixtures::Row]) -> usize {
    let page: Page<Pod> = serde_json::from_str(list).unwrap();
    assert_eq!(page.items.len(), table.len());
    for (pod, want) in page.items.iter().zip(table) {
        let row = PodRow::of(pod);
        let count = want.restarts.split(' ').next().unwrap();
        assert_eq!(
            (&*pod.metadata.name, row.ready(), &*row.status, row.restarts.to_string()),
            (want.name.as_str(), want.ready.clone(), want.status.as_str(), count.to_owned())
        );
    }
    table.len()
}

#[test]
fn equals_kubectl_for_all_fixture_pods() {
    let hand = agrees(fixtures::pods_hand(), &fixtures::table_hand());
    let random = agrees(fixtures::pods_random(), &fixtures::table_random());
    assert_eq!((hand, random), (54, 150));
}

/// A word that the rules know, or any other.
fn word() -> impl Strategy<Value = Value> {
    prop_oneof![
        8 => prop::sample::select(vec![
            "Running", "Pending", "Succeeded", "Failed", "Unknown", "Ready", "Initialized", "PodScheduled", "True",
            "False", "SchedulingGated", "CrashLoopBackOff", "ErrImagePull", "PodInitializing", "Completed",
            "OOMKilled", "Evicted", "NodeLost", "Always", "Never", "", "a", "b", "2026-03-23T06:59:00Z", "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z", "ReplicaSet", "Job", "Node",
        ]).prop_map(Value::from),
        1 => ".*".prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => Just(json!([])),
        1 => Just(json!({"terminated": {"exitCode": "x"}})),
    ]
}

fn number() -> impl Strategy<Value = Value> {
    prop_oneof![4 => (0..20_i64).prop_map(Value::from), 1 => any::<i64>().prop_map(Value::from), 1 => word()]
}

fn object(fields: Vec<(&'static str, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    let (names, values): (Vec<_>, Vec<_>) = fields.into_iter().unzip();
    (values, prop::collection::vec(prop::bool::weighted(0.7), names.len()))
        .prop_map(move |(values, kept)| {
            let fields = names.iter().zip(values).zip(kept).filter(|(_, kept)| *kept);
            Value::Object(fields.map(|((name, value), _)| ((*name).to_owned(), value)).collect())
        })
        .boxed()
}

fn list(of: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    prop_oneof![6 => prop::collection::vec(of, 0..4).prop_map(Value::from), 1 => word()].boxed()
}

fn state() -> BoxedStrategy<Value> {
    object(vec![
        ("waiting", object(vec![("reason", word().boxed())])),
        ("running", object(vec![("startedAt", word().boxed())])),
        (
            "terminated",
            object(vec![
                ("reason", word().boxed()),
                ("exitCode", number().boxed()),
                ("signal", number().boxed()),
                ("finishedAt", word().boxed()),
            ]),
        ),
    ])
}

fn container() -> BoxedStrategy<Value> {
    object(vec![
        ("name", word().boxed()),
        ("ready", word().boxed()),
        ("started", any::<bool>().prop_map(Value::from).boxed()),
        ("restartCount", number().boxed()),
        ("state", state()),
        ("lastState", state()),
    ])
}

fn pod() -> BoxedStrategy<Value> {
    let condition = object(vec![
        ("type", word().boxed()),
        ("status", word().boxed()),
        ("reason", word().boxed()),
        ("lastTransitionTime", word().boxed()),
    ]);
    let owner = object(vec![
        ("kind", word().boxed()),
        ("name", word().boxed()),
        ("controller", any::<bool>().prop_map(Value::from).boxed()),
    ]);
    let init = object(vec![("name", word().boxed()), ("restartPolicy", word().boxed())]);
    object(vec![
        (
            "metadata",
            object(vec![
                ("name", word().boxed()),
                ("namespace", word().boxed()),
                ("labels", object(vec![("pod-template-hash", word().boxed())])),
                ("creationTimestamp", word().boxed()),
                ("deletionTimestamp", prop_oneof![3 => Just(Value::Null), 1 => word()].boxed()),
                ("ownerReferences", list(owner)),
            ]),
        ),
        (
            "spec",
            object(vec![
                ("nodeName", word().boxed()),
                ("restartPolicy", word().boxed()),
                ("containers", list(init.clone())),
                ("initContainers", list(init)),
            ]),
        ),
        (
            "status",
            object(vec![
                ("phase", word().boxed()),
                ("reason", word().boxed()),
                ("conditions", list(condition)),
                ("initContainerStatuses", list(container())),
                ("containerStatuses", list(container())),
            ]),
        ),
    ])
}

proptest! {
    #[test]
    fn any_pod_has_a_row_and_a_judgement(pod in pod()) {
        let text = json!({"metadata": {"continue": 7}, "items": [pod.clone(), null, 3, [], pod]}).to_string();
        let page: Page<Pod> = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(page.items.len(), 2);
        let now = "2026-03-23T07:00:00Z".parse().unwrap();
        let mut tally = PodTally::new(now, PodThresholds::default());
        for pod in &page.items {
            let row = PodRow::of(pod);
            prop_assert!(row.ready().contains('/'));
            let reasons = judge_pod(pod, now, &PodThresholds::default());
            prop_assert!(reasons.is_sorted_by_key(|r| r.kind));
            prop_assert!(&*pod.status.phase != "Succeeded" || reasons.is_empty());
            tally.observe(pod);
        }
        prop_assert_eq!(tally.finish().counts.total, 2);
    }
}
