//! The pod that the process is in.
//!
//! A pod knows little of itself unless its manifest says it, by variables that Kubernetes fills in ("downward API"):
//!
//! ```yaml
//! env:
//!   - { name: K8S_POD_NAME, valueFrom: { fieldRef: { fieldPath: metadata.name } } }
//!   - { name: K8S_NODE_NAME, valueFrom: { fieldRef: { fieldPath: spec.nodeName } } }
//! ```

use super::Found;
use super::container::{CGROUP, MOUNTS};
use super::surroundings::Surroundings;

/// Where the namespace stands in every pod that has a service account.
const NAMESPACE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/// Attributes, and the names of the variables that are usual for them. The last of OpenTelemetry's operator.
const VARIABLES: [(&str, &[&str]); 8] = [
    ("k8s.pod.name", &["K8S_POD_NAME", "POD_NAME", "MY_POD_NAME", "OTEL_RESOURCE_ATTRIBUTES_POD_NAME"]),
    ("k8s.pod.uid", &["K8S_POD_UID", "POD_UID", "MY_POD_UID", "OTEL_RESOURCE_ATTRIBUTES_POD_UID"]),
    ("k8s.pod.ip", &["K8S_POD_IP", "POD_IP", "MY_POD_IP", "OTEL_POD_IP"]),
    ("k8s.namespace.name", &["K8S_NAMESPACE_NAME", "K8S_NAMESPACE", "POD_NAMESPACE", "MY_POD_NAMESPACE"]),
    ("k8s.node.name", &["K8S_NODE_NAME", "NODE_NAME", "MY_NODE_NAME", "OTEL_RESOURCE_ATTRIBUTES_NODE_NAME"]),
    ("k8s.container.name", &["K8S_CONTAINER_NAME", "CONTAINER_NAME"]),
    ("k8s.deployment.name", &["K8S_DEPLOYMENT_NAME", "DEPLOYMENT_NAME"]),
    ("k8s.cluster.name", &["K8S_CLUSTER_NAME", "CLUSTER_NAME"]),
];

/// Whether the process is in a pod.
pub(super) fn is_inside(surroundings: &Surroundings) -> bool {
    surroundings.variable(&["KUBERNETES_SERVICE_HOST"]).is_some()
        || surroundings.file(NAMESPACE).is_some()
        || surroundings.file(CGROUP).is_some_and(|groups| groups.contains("/kubepods"))
}

pub(super) fn detect(surroundings: &Surroundings, found: &mut Found<'_>) {
    if !is_inside(surroundings) {
        return;
    }
    let of_groups = surroundings.file(CGROUP).as_deref().and_then(pod_of_groups);
    let of_mounts = surroundings.file(MOUNTS).map(|mounts| Mounts::of(&mounts)).unwrap_or_default();
    for (key, names) in VARIABLES {
        let value = surroundings.variable(names).or_else(|| match key {
            "k8s.namespace.name" => surroundings.file(NAMESPACE),
            "k8s.pod.uid" => of_groups.clone().or_else(|| of_mounts.pod.clone()),
            "k8s.container.name" => of_mounts.container.clone(),
            _ => None,
        });
        found.text(key, value);
    }
}

/// From `/kubepods/burstable/pod<uid>/<container>`, or `/kubepods-burstable-pod<uid with underscores>.slice`.
fn pod_of_groups(groups: &str) -> Option<String> {
    groups.lines().filter(|line| line.contains("kubepods")).find_map(|line| {
        line.split(['/', ':']).find_map(|part| {
            let part = part.strip_suffix(".slice").unwrap_or(part);
            let uid = part.rsplit_once("pod").filter(|(before, _)| before.is_empty() || before.ends_with('-'))?.1;
            let uid = uid.replace('_', "-");
            is_uid(&uid).then_some(uid)
        })
    })
}

/// What the mounts of a container say, which its node made below `/pods/<uid>`.
#[derive(Default)]
struct Mounts {
    pod: Option<String>,
    container: Option<String>,
}

impl Mounts {
    fn of(mounts: &str) -> Self {
        let mut found = Self::default();
        for line in mounts.lines() {
            let mut fields = line.split(' ').skip(3);
            let (Some(root), Some(point)) = (fields.next(), fields.next()) else { continue };
            let Some((_, below)) = root.split_once("/pods/") else { continue };
            let parts: Vec<&str> = below.splitn(4, '/').collect();
            match parts.as_slice() {
                [uid, "etc-hosts"] if point == "/etc/hosts" && is_uid(uid) => found.pod = Some((*uid).to_owned()),
                // Every container has this file for its last words.
                [uid, "containers", container, _] if point == "/dev/termination-log" && is_uid(uid) => {
                    found.pod.get_or_insert_with(|| (*uid).to_owned());
                    found.container = Some((*container).to_owned());
                }
                _ => {}
            }
        }
        found
    }
}

/// A UUID, or the hash that the pods of a node's own files have.
fn is_uid(text: &str) -> bool {
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let lengths = || text.split('-').map(str::len);
    let is_uuid = text.len() == 36 && lengths().eq([8, 4, 4, 4, 12]) && text.split('-').all(is_hex);
    is_uuid || (text.len() == 32 && is_hex(text))
}
