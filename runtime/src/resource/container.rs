//! The container that the process is in.

use super::Found;
use super::kubernetes;
use super::surroundings::Surroundings;

pub(super) const CGROUP: &str = "/proc/self/cgroup";
pub(super) const MOUNTS: &str = "/proc/self/mountinfo";

pub(super) fn detect(surroundings: &Surroundings, found: &mut Found<'_>) {
    found.text("container.id", id(surroundings));
}

/// Whether the process is in a container, as far as it can tell.
pub(super) fn is_inside(surroundings: &Surroundings) -> bool {
    let marks = ["/.dockerenv", "/run/.containerenv"];
    marks.iter().any(|mark| surroundings.file(mark).is_some())
        || kubernetes::is_inside(surroundings)
        || id(surroundings).is_some()
}

fn id(surroundings: &Surroundings) -> Option<String> {
    let of_groups = surroundings.file(CGROUP).and_then(|groups| of_groups(&groups));
    if of_groups.is_some() || kubernetes::is_inside(surroundings) {
        // The mounts of a pod are those of another of its containers, which only holds the place of the pod.
        return of_groups;
    }
    of_mounts(&surroundings.file(MOUNTS)?)
}

/// From lines such as `4:memory:/docker/<id>`, or in version 2 `0::/system.slice/docker-<id>.scope`. In a name space of
/// control groups there is nothing but `0::/`.
fn of_groups(groups: &str) -> Option<String> {
    groups.lines().find_map(|line| {
        let path = line.splitn(3, ':').nth(2)?;
        // A container in a container has the inner one last.
        path.rsplit('/').find_map(of_group)
    })
}

/// From the name of a control group.
fn of_group(name: &str) -> Option<String> {
    let name = name.strip_suffix(".scope").unwrap_or(name);
    // On Amazon's ECS it is the name of the task, and a number.
    if let Some((task, number)) = name.split_once('-')
        && is_hex(task, 32)
        && (8..=12).contains(&number.len())
        && number.bytes().all(|byte| byte.is_ascii_digit())
    {
        return Some(name.to_owned());
    }
    // Those who make containers put their own name in front: `docker-<id>`, `cri-containerd-<id>`, or after a colon.
    let id = name.rsplit(['-', ':']).next()?;
    is_hex(id, 64).then(|| id.to_owned())
}

/// From the files that those who make containers lay over the container's own, such as
/// `… /var/lib/docker/containers/<id>/hostname /etc/hostname …`.
fn of_mounts(mounts: &str) -> Option<String> {
    mounts.lines().find_map(|line| {
        let mut fields = line.split(' ').skip(3);
        let (root, point) = (fields.next()?, fields.next()?);
        let is_laid_over = ["/etc/hostname", "/etc/hosts", "/etc/resolv.conf"].contains(&point);
        let mut parts = root.split('/');
        let is_container = |part: &str| ["containers", "overlay-containers"].contains(&part);
        is_laid_over.then(|| parts.find(|part| is_container(part)))??;
        // `containers/storage/overlay-containers/<id>` has the word twice.
        parts.find(|part| is_hex(part, 64)).map(str::to_owned)
    })
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}
