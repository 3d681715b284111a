use super::surroundings::{Files, Process, Surroundings, read};
use super::*;
use crate::config::{OldNames, Variables};
use opentelemetry::{Array, Key, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const NAMESPACE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";
const CGROUP: &str = "/proc/self/cgroup";
const MOUNTS: &str = "/proc/self/mountinfo";
const ID: &str = "3c5b7e1f0a9d8c6b4e2f1a0d9c8b7a6f5e4d3c2b1a0f9e8d7c6b5a4f3e2d1c0b";
const OTHER: &str = "aa5b7e1f0a9d8c6b4e2f1a0d9c8b7a6f5e4d3c2b1a0f9e8d7c6b5a4f3e2d1cff";
const POD: &str = "7a9b2c1d-0e3f-4a5b-8c6d-1e2f3a4b5c6d";

fn around<const N: usize>(variables: [(&str, &str); N], files: &[(&str, &str)]) -> Surroundings {
    let process = Process {
        id: 42,
        parent: Some(7),
        executable: Some(PathBuf::from("/srv/bin/lakehouse (deleted)")),
        arguments: ["lakehouse", "--token", "hunter2"].map(Into::into).into(),
    };
    Surroundings { variables: Variables::of(variables), files: Files::of(files), process }
}

fn nowhere() -> Surroundings {
    Surroundings { variables: Variables::of([]), files: Files::of(&[]), process: Process::default() }
}

/// What one detector finds, all attributes included.
fn found(detector: Detector, surroundings: &Surroundings) -> BTreeMap<&'static str, ResourceValue> {
    let settings = ResourceSettings { detectors: vec![detector], ..ResourceSettings::default() };
    detect(&settings, surroundings).into_iter().collect()
}

fn text(found: &BTreeMap<&'static str, ResourceValue>, key: &str) -> Option<String> {
    match found.get(key)? {
        ResourceValue::String(text) => Some(text.clone()),
        other => panic!("{key} is {other:?}"),
    }
}

fn name_of(telemetry: &Telemetry) -> Option<Value> {
    get(&resource(telemetry), "service.name")
}

fn get(resource: &Resource, key: &'static str) -> Option<Value> {
    resource.get(&Key::from_static_str(key))
}

#[test]
fn the_service_name_wins_over_the_attribute_of_that_name() {
    let telemetry = Telemetry::default().with_resource_attribute("service.name", "attribute");
    assert_eq!(name_of(&telemetry), Some("attribute".into()));
    assert_eq!(name_of(&telemetry.with_service_name("named")), Some("named".into()));
}

#[test]
fn old_names_of_attributes_come_with_the_new_ones() {
    let telemetry = Telemetry::default()
        .with_resource_attribute("deployment.environment.name", "test")
        .with_resource_attribute("crypto.market", "binance")
        .with_old_names([OldNames::Lakehouse]);
    let resource = resource(&telemetry);
    assert_eq!(get(&resource, "deployment.environment"), Some("test".into()));
    assert_eq!(get(&resource, "deployment.environment.name"), Some("test".into()));
    assert_eq!(get(&resource, "crypto.exchange"), Some("binance".into()));
}

#[test]
fn a_service_without_a_name_is_called_unknown() {
    let name = |surroundings: &Surroundings| get(&build(&Telemetry::default(), surroundings), "service.name");
    assert_eq!(name(&around([], &[])), Some("unknown_service:lakehouse".into()));
    assert_eq!(name(&nowhere()), Some("unknown_service".into()));
    assert_eq!(name(&around([("OTEL_SERVICE_NAME", "detected")], &[])), Some("detected".into()));
}

#[test]
fn what_is_given_wins_over_what_is_detected_and_the_later_over_the_earlier() {
    let surroundings = around([("OTEL_SERVICE_NAME", "detected")], &[("/proc/sys/kernel/hostname", "detected\n")]);
    let build = |telemetry: &Telemetry| build(telemetry, &surroundings);
    let telemetry = Telemetry::default();
    assert_eq!(get(&build(&telemetry), "host.name"), Some("detected".into()));
    let telemetry =
        telemetry.with_resource_attribute("host.name", "first").with_resource_attribute("host.name", "last");
    let telemetry = telemetry.with_resource_attribute("service.name", "attribute");
    assert_eq!(get(&build(&telemetry), "host.name"), Some("last".into()));
    assert_eq!(get(&build(&telemetry), "service.name"), Some("attribute".into()));
    let variables =
        Variables::of([("OTEL_SERVICE_NAME", "named"), ("OTEL_RESOURCE_ATTRIBUTES", "service.name=listed")]);
    let telemetry = Telemetry::from_variables(&variables).unwrap();
    assert_eq!(get(&build(&telemetry), "service.name"), Some("named".into()));
    assert_eq!(get(&build(&telemetry.with_service_name("code")), "service.name"), Some("code".into()));
}

#[test]
fn attributes_keep_their_types_and_the_schema_is_named() {
    let telemetry = Telemetry::default()
        .with_resource_schema_url("https://example.org/schemas/1.0.0")
        .with_resource_attribute("a.bool", true)
        .with_resource_attribute("an.int", -3)
        .with_resource_attribute("a.double", 0.5)
        .with_resource_attribute("texts", vec!["a".to_owned(), "b".to_owned()])
        .with_resource_attribute("ints", [1_i64, 2])
        .with_resource_attribute("doubles", [0.5])
        .with_resource_attribute("bools", [true, false]);
    let resource = build(&telemetry, &nowhere());
    assert_eq!(resource.schema_url(), Some("https://example.org/schemas/1.0.0"));
    assert_eq!(get(&resource, "a.bool"), Some(true.into()));
    assert_eq!(get(&resource, "an.int"), Some((-3_i64).into()));
    assert_eq!(get(&resource, "a.double"), Some(0.5.into()));
    assert_eq!(get(&resource, "texts"), Some(Value::Array(Array::String(vec!["a".into(), "b".into()]))));
    assert_eq!(get(&resource, "ints"), Some(Value::Array(Array::I64(vec![1, 2]))));
    assert_eq!(get(&resource, "doubles"), Some(Value::Array(Array::F64(vec![0.5]))));
    assert_eq!(get(&resource, "bools"), Some(Value::Array(Array::Bool(vec![true, false]))));
    assert_eq!(build(&Telemetry::default(), &nowhere()).schema_url(), None);
}

#[test]
fn detectors_that_are_not_chosen_find_nothing() {
    let telemetry = Telemetry::default().with_resource_detectors([]);
    let keys = |telemetry: &Telemetry| {
        let resource = build(telemetry, &around([], &[]));
        let mut keys: Vec<_> = resource.iter().map(|(key, _)| key.to_string()).collect();
        keys.sort();
        keys
    };
    let least = ["service.name", "telemetry.sdk.language", "telemetry.sdk.name", "telemetry.sdk.version"];
    assert_eq!(keys(&telemetry), least);
    let disabled = Telemetry { disabled: true, ..Telemetry::default() };
    assert_eq!(keys(&disabled), least);
}

#[test]
fn detected_attributes_are_kept_by_patterns_and_given_ones_always() {
    let telemetry = Telemetry::default()
        .with_resource_attribute("host.name", "given")
        .with_resource_included(["process.*", "host.arch"])
        .with_resource_excluded(["process.runtime.*", "process.p*id"]);
    let resource = build(&telemetry, &around([], &[("/proc/sys/kernel/hostname", "detected")]));
    let keys: BTreeMap<_, _> = resource.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
    let detected: Vec<_> = keys.keys().filter(|key| !key.starts_with("telemetry.") && *key != "service.name").collect();
    assert_eq!(
        detected,
        ["host.arch", "host.name", "process.command", "process.executable.name", "process.executable.path"]
    );
    assert_eq!(keys["host.name"], "given");
}

#[test]
fn the_host_says_what_it_is() {
    let release =
        "NAME=\"Debian GNU/Linux\"\nVERSION_ID='12'\n# PRETTY_NAME=no\nPRETTY_NAME=\"Debian \\\"12\\\"\"\nBUILD_ID=\n";
    let machine = "0af7651916cd43dd8448eb211c80319c";
    let files = [
        ("/proc/sys/kernel/hostname", "worker-3\n"),
        ("/etc/machine-id", &format!("{machine}\n")),
        ("/etc/os-release", release),
    ];
    let host = found(Detector::Host, &around([], &files));
    assert_eq!(text(&host, "host.name").as_deref(), Some("worker-3"));
    assert_eq!(text(&host, "host.id").as_deref(), Some(machine));
    assert_eq!(text(&host, "os.name").as_deref(), Some("Debian GNU/Linux"));
    assert_eq!(text(&host, "os.version").as_deref(), Some("12"));
    assert_eq!(text(&host, "os.description").as_deref(), Some("Debian \"12\""));
    assert!(!host.contains_key("os.build_id"));
    if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        assert_eq!(
            (text(&host, "os.type").as_deref(), text(&host, "host.arch").as_deref()),
            (Some("linux"), Some("amd64"))
        );
    }
    // Whatever the machine's identity is, it is not that of a container.
    let inside = [files.as_slice(), &[("/.dockerenv", "")]].concat();
    assert!(!found(Detector::Host, &around([], &inside)).contains_key("host.id"));
    let new = [("/etc/machine-id", "uninitialized\n"), ("/var/lib/dbus/machine-id", machine)];
    assert_eq!(text(&found(Detector::Host, &around([], &new)), "host.id").as_deref(), Some(machine));
    let named = found(Detector::Host, &around([("HOSTNAME", "from a variable")], &[]));
    assert_eq!(text(&named, "host.name").as_deref(), Some("from a variable"));
}

#[test]
fn the_process_says_what_it_is_and_keeps_its_arguments_to_itself() {
    let status = "Name:\tlakehouse\nUid:\t0\t1000\t1000\t1000\nGid:\t0\t0\t0\t0\n";
    let users = "root:x:0:0:root:/root:/bin/sh\nbroken\n\nann:x:1000:1000::/home/ann:/bin/sh\n";
    let surroundings = around([("USER", "root")], &[("/proc/self/status", status), ("/etc/passwd", users)]);
    let process = found(Detector::Process, &surroundings);
    assert_eq!(process["process.pid"], 42.into());
    assert_eq!(process["process.parent_pid"], 7.into());
    assert_eq!(text(&process, "process.executable.name").as_deref(), Some("lakehouse"));
    assert_eq!(text(&process, "process.executable.path").as_deref(), Some("/srv/bin/lakehouse"));
    assert_eq!(text(&process, "process.command").as_deref(), Some("lakehouse"));
    assert_eq!(text(&process, "process.owner").as_deref(), Some("ann"));
    assert_eq!(text(&process, "process.runtime.name").as_deref(), Some("rustc"));
    assert!(text(&process, "process.runtime.version").unwrap().starts_with("1."));
    assert!(text(&process, "process.runtime.description").unwrap().starts_with("rustc 1."));
    assert!(!format!("{process:?}").contains("hunter2"));
    let ask = |patterns: &[&str]| {
        let telemetry = Telemetry::default().with_resource_included(patterns.iter().copied());
        let resource = build(&telemetry, &surroundings);
        (get(&resource, "process.command_args"), get(&resource, "process.command_line"))
    };
    // Nobody who writes a pattern means secrets.
    assert_eq!(ask(&["*", "process.command_*", "process.*"]), (None, None));
    let arguments = Array::String(vec!["lakehouse".into(), "--token".into(), "hunter2".into()]);
    assert_eq!(ask(&["process.command_args"]), (Some(Value::Array(arguments)), None));
    assert_eq!(ask(&["process.command_line", "*"]), (None, Some("lakehouse --token hunter2".into())));
}

#[test]
fn where_there_is_no_proc_a_variable_names_the_owner() {
    let owner = |surroundings| text(&found(Detector::Process, &surroundings), "process.owner");
    assert_eq!(owner(around([("USER", "ann")], &[])).as_deref(), Some("ann"));
    assert_eq!(owner(around([], &[])), None);
    assert_eq!(owner(around([("USER", "ann")], &[("/proc/self/status", "Uid:\t5\t5\t5\t5\n")])), None);
}

#[test]
fn containers_are_known_by_their_control_groups() {
    let ecs = "4b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e-1234567890";
    for (group, id) in [
        (format!("12:pids:/docker/{ID}\n11:memory:/docker/{ID}\n"), Some(ID)),
        (format!("1:name=systemd:/docker/{OTHER}/docker/{ID}\n"), Some(ID)),
        (format!("0::/system.slice/docker-{ID}.scope\n"), Some(ID)),
        (
            format!("0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope/container\n"),
            Some(ID),
        ),
        (format!("0::/machine.slice/libpod-{ID}.scope\n"), Some(ID)),
        (format!("11:cpu:/kubepods/besteffort/pod{POD}/{ID}\n"), Some(ID)),
        (
            format!(
                "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod7a.slice/cri-containerd-{ID}.scope\n"
            ),
            Some(ID),
        ),
        (format!("0::/kubepods.slice/kubepods-pod7a.slice/crio-{ID}.scope\n"), Some(ID)),
        (format!("8:cpu:/system.slice/containerd.service/kubepods-pod7a.slice:cri-containerd:{ID}\n"), Some(ID)),
        (format!("9:perf_event:/ecs/4b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e/{ecs}\n"), Some(ecs)),
        (format!("9:cpu:/lxc/{}\n", &ID[..32]), None),
        (format!("9:cpu:/docker/{}\n", ID.to_uppercase()), None),
        (format!("9:cpu:/docker/{ID}0\n"), None),
        ("0::/user.slice/user-1000.slice/session-3.scope\n".to_owned(), None),
        ("12:pids:/\n0::/\n".to_owned(), None),
        ("\n:\n::\n:::\n0:\n\0".to_owned(), None),
    ] {
        let container = found(Detector::Container, &around([], &[(CGROUP, &group)]));
        assert_eq!(text(&container, "container.id").as_deref(), id, "{group}");
    }
}

#[test]
fn containers_with_groups_of_their_own_are_known_by_their_mounts() {
    let docker = format!(
        "1021 963 0:60 / /proc rw - proc proc rw\n\
         1030 963 254:1 /var/lib/docker/containers/{ID}/resolv.conf /etc/resolv.conf rw,relatime - ext4 /dev/vda1 rw\n\
         1031 963 254:1 /var/lib/docker/containers/{ID}/hostname /etc/hostname rw,relatime - ext4 /dev/vda1 rw\n"
    );
    let podman = format!(
        "631 575 0:24 /containers/overlay-containers/{ID}/userdata/hostname /etc/hostname rw - tmpfs tmpfs rw\n"
    );
    let elsewhere = format!(
        "33 29 254:1 /var/lib/docker/containers/{OTHER}/mounts/shm /var/lib/docker/containers/{OTHER}/mounts/shm rw\n"
    );
    let sandbox = format!(
        "1035 963 254:1 /var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/{OTHER}/hostname /etc/hostname rw\n"
    );
    for (mounts, id) in [
        (&docker, Some(ID)),
        (&podman, Some(ID)),
        (&elsewhere, None),
        (&sandbox, None),
        (&"\n \n  \n".to_owned(), None),
    ] {
        let files = [(CGROUP, "0::/\n"), (MOUNTS, mounts.as_str())];
        let container = found(Detector::Container, &around([], &files));
        assert_eq!(text(&container, "container.id").as_deref(), id, "{mounts}");
        // In a pod they would be those of another container.
        let pod = found(Detector::Container, &around([("KUBERNETES_SERVICE_HOST", "10.0.0.1")], &files));
        assert_eq!(pod.get("container.id"), None);
    }
}

#[test]
fn a_pod_is_known_by_variables_mounts_and_groups() {
    let mounts = format!(
        "1201 1100 254:1 /var/lib/kubelet/pods/{POD}/etc-hosts /etc/hosts rw,relatime - ext4 /dev/vda1 rw\n\
         1202 1100 254:1 /var/lib/kubelet/pods/{POD}/containers/loader/0a1b2c3d /dev/termination-log rw - ext4 /dev/vda1 rw\n\
         1203 1100 254:1 /var/lib/kubelet/pods/{POD}/volumes/data /data rw - ext4 /dev/vda1 rw\n"
    );
    let files = [(NAMESPACE, "crypto-lakehouse\n"), (MOUNTS, mounts.as_str())];
    let variables = [("POD_NAME", "loader-5d-x2"), ("K8S_NODE_NAME", "node-7"), ("CLUSTER_NAME", "east")];
    let pod = found(Detector::Kubernetes, &around(variables, &files));
    let expected = [
        ("k8s.cluster.name", "east"),
        ("k8s.container.name", "loader"),
        ("k8s.namespace.name", "crypto-lakehouse"),
        ("k8s.node.name", "node-7"),
        ("k8s.pod.name", "loader-5d-x2"),
        ("k8s.pod.uid", POD),
    ];
    assert_eq!(pod, expected.map(|(key, value)| (key, value.into())).into());
    let variables = [("MY_POD_NAMESPACE", "given"), ("K8S_CONTAINER_NAME", "given"), ("POD_UID", "given")];
    let pod = found(Detector::Kubernetes, &around(variables, &files));
    for key in ["k8s.namespace.name", "k8s.container.name", "k8s.pod.uid"] {
        assert_eq!(pod[key], "given".into(), "{key}");
    }
    // Outside of Kubernetes these variables may mean anything.
    assert_eq!(found(Detector::Kubernetes, &around([("POD_NAME", "whale")], &[])), BTreeMap::new());
}

#[test]
fn the_uid_of_a_pod_stands_in_its_groups() {
    let underscores = POD.replace('-', "_");
    let of_a_file = "0af7651916cd43dd8448eb211c80319c";
    for (group, uid) in [
        (format!("11:cpu:/kubepods/besteffort/pod{POD}/{ID}"), Some(POD)),
        (format!("0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{underscores}.slice/x"), Some(POD)),
        (format!("0::/kubepods.slice/kubepods-pod{underscores}.slice/cri-containerd-{ID}.scope"), Some(POD)),
        (
            format!("8:cpu:/system.slice/containerd.service/kubepods-pod{underscores}.slice:cri-containerd:{ID}"),
            Some(POD),
        ),
        (format!("11:cpu:/kubepods/burstable/pod{of_a_file}/{ID}"), Some(of_a_file)),
        ("11:cpu:/kubepods/podé".to_owned(), None),
        ("11:cpu:/kubepods/pod../..".to_owned(), None),
        ("11:cpu:/kubepods".to_owned(), None),
    ] {
        let pod = found(Detector::Kubernetes, &around([], &[(CGROUP, &group)]));
        assert_eq!(text(&pod, "k8s.pod.uid").as_deref(), uid, "{group}");
    }
}

#[test]
fn long_values_are_cut() {
    let long = "ä".repeat(10_000);
    let host = found(Detector::Host, &around([], &[("/proc/sys/kernel/hostname", &long)]));
    assert_eq!(text(&host, "host.name").unwrap().chars().count(), LONGEST);
}

#[test]
fn broken_files_say_nothing_and_harm_nobody() {
    let texts = ["", "\n", "\0\0\0", "=", "NAME=", "NAME=\"", "NAME=\\", "Uid:", "Uid:\t", "::::", &"/".repeat(10_000)];
    let paths = [
        "/proc/sys/kernel/hostname",
        "/etc/machine-id",
        "/etc/os-release",
        "/proc/self/status",
        "/etc/passwd",
        CGROUP,
        MOUNTS,
        NAMESPACE,
    ];
    for text in texts {
        let surroundings = around([], &paths.map(|path| (path, text)));
        let resource = build(&Telemetry::default(), &surroundings);
        assert_eq!(get(&resource, "host.id"), None, "{text:.20}");
        assert_eq!(get(&resource, "container.id"), None, "{text:.20}");
        assert_eq!(get(&resource, "os.name"), None, "{text:.20}");
    }
}

#[test]
#[cfg(all(unix, not(miri)))]
fn files_are_read_up_to_a_limit_and_what_is_no_file_is_not_opened() {
    assert_eq!(read(Path::new("/dev/zero")), None);
    assert_eq!(read(Path::new("/")), None);
    assert_eq!(read(Path::new("/no such file")), None);
    let path = std::env::temp_dir().join(format!("otelier-resource-{}", std::process::id()));
    std::fs::write(&path, "x".repeat(1_000_000)).unwrap();
    let text = read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(text.len(), 128 * 1024);
}

#[test]
#[cfg(all(target_os = "linux", not(miri)))]
fn this_process_finds_itself() {
    let resource = resource(&Telemetry::default());
    assert_eq!(get(&resource, "process.pid"), Some(i64::from(std::process::id()).into()));
    assert_eq!(get(&resource, "os.type"), Some("linux".into()));
    for key in ["host.name", "host.arch", "process.executable.path", "service.instance.id"] {
        assert!(get(&resource, key).is_some(), "{key}");
    }
}
