//! Files in memory (`memfd`), and free memory: of the machine, of the control groups of this process, and of its own
//! limits. The kernel kills a container that exceeds its limit, even if the machine has free memory.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{MemfdFlags, SealFlags};
use rustix::process::{Resource, getrlimit};

use crate::platform::inherited::Inherited;

pub(super) struct AnonymousFile(File);

impl AnonymousFile {
    pub(super) fn new() -> io::Result<Self> {
        let file = rustix::fs::memfd_create("share", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        Ok(Self(file.into()))
    }

    pub(super) fn try_clone(&self) -> io::Result<Self> {
        self.0.try_clone().map(Self)
    }

    pub(super) fn freeze(&self) -> io::Result<()> {
        let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
        Ok(rustix::fs::fcntl_add_seals(&self.0, seals)?)
    }

    pub(super) fn inherited(&self) -> io::Result<Inherited> {
        Inherited::of(&self.0)
    }

    pub(super) fn read_exact_at(&self, space: &mut [u8], start: u64) -> io::Result<()> {
        self.0.read_exact_at(space, start)
    }
}

impl Write for AnonymousFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// `RLIMIT_FSIZE` applies to files in memory too; writing beyond it kills the process.
pub(super) fn largest_file() -> u64 {
    getrlimit(Resource::Fsize).current.unwrap_or(u64::MAX)
}

pub(super) fn free() -> Option<u64> {
    let machine = free_below(Path::new("/"));
    match getrlimit(Resource::As).current {
        Some(most) => Some(machine.unwrap_or(u64::MAX).min(most.saturating_sub(mapped()))),
        None => machine,
    }
}

/// The address space that this process has mapped, in bytes.
fn mapped() -> u64 {
    let status = read(Path::new("/proc/self/status"));
    field(&status, "VmSize:").unwrap_or_default().saturating_mul(1024)
}

/// Free memory by the files of the kernel below `root`: of the machine, or of the control group with the least.
fn free_below(root: &Path) -> Option<u64> {
    let totals = read(&root.join("proc/meminfo"));
    let machine = field(&totals, "MemAvailable:").map(|kilobytes| kilobytes.saturating_mul(1024));
    let groups = [CgroupVersion::Two, CgroupVersion::One].into_iter().filter_map(|version| version.free(root));
    machine.into_iter().chain(groups).min()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// The number behind a name, on a line of its own.
fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        (words.next() == Some(name)).then(|| words.next()?.parse().ok()).flatten()
    })
}

/// Versions of control groups. A machine may have both.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CgroupVersion {
    One,
    Two,
}

impl CgroupVersion {
    /// The least free memory of this process's group and its parent groups, in bytes.
    fn free(self, root: &Path) -> Option<u64> {
        let groups = read(&root.join("proc/self/cgroup"));
        // `4:memory:/a/b`, or `0::/a/b`.
        let group = groups.lines().find_map(|line| {
            let mut parts = line.splitn(3, ':');
            let (number, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
            let is_it = match self {
                Self::One => controllers.split(',').any(|name| name == "memory"),
                Self::Two => number == "0" && controllers.is_empty(),
            };
            is_it.then_some(path)
        })?;
        let (top, directory) = self.mount(root)?;
        // In a container, the mounted group may be this one or a parent.
        let below = Path::new(group).strip_prefix(&top).unwrap_or(Path::new(""));
        let inside = below.components().all(|part| matches!(part, Component::Normal(_)));
        let directory = root.join(directory.strip_prefix("/").unwrap_or(&directory));
        let own = if inside { directory.join(below) } else { directory.clone() };
        own.ancestors().take_while(|group| group.starts_with(&directory)).filter_map(|group| self.free_in(group)).min()
    }

    /// The mounted group, and its mount point (proc(5), `mountinfo`).
    fn mount(self, root: &Path) -> Option<(PathBuf, PathBuf)> {
        read(&root.join("proc/self/mountinfo")).lines().find_map(|line| {
            let (mount, kind) = line.split_once(" - ")?;
            let (mut mount, mut kind) = (mount.split(' ').skip(3), kind.split(' '));
            let (top, directory) = (mount.next()?, mount.next()?);
            let (kind, options) = (kind.next()?, kind.nth(1).unwrap_or_default());
            let is_it = match self {
                Self::One => kind == "cgroup" && options.split(',').any(|option| option == "memory"),
                Self::Two => kind == "cgroup2",
            };
            is_it.then(|| (unescaped(top), unescaped(directory)))
        })
    }

    /// Free memory in one group, in bytes: its limit less its usage. File cache counts as free.
    fn free_in(self, group: &Path) -> Option<u64> {
        // `max` means that there is no limit.
        let number = |name: &str| read(&group.join(name)).trim().parse::<u64>().ok();
        let stat = read(&group.join("memory.stat"));
        let (limits, used, cache) = match self {
            Self::One => (
                [number("memory.limit_in_bytes"), field(&stat, "hierarchical_memory_limit")],
                number("memory.usage_in_bytes"),
                ["total_inactive_file", "total_active_file"],
            ),
            Self::Two => (
                // Above `memory.high` the kernel slows processes to a standstill.
                [number("memory.max"), number("memory.high")],
                number("memory.current"),
                ["inactive_file", "active_file"],
            ),
        };
        let limit = limits.into_iter().flatten().min()?;
        let cache = cache.into_iter().filter_map(|name| field(&stat, name)).sum::<u64>();
        Some(limit.saturating_sub(used.unwrap_or_default().saturating_sub(cache)))
    }
}

/// A path in `mountinfo`, which has spaces in octal.
fn unescaped(path: &str) -> PathBuf {
    PathBuf::from(path.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory with files as the kernel has them.
    struct Kernel(tempfile::TempDir);

    impl Kernel {
        fn new(group: &str, mounts: &str) -> Self {
            let kernel = Self(tempfile::tempdir().unwrap());
            kernel.set("proc/meminfo", "MemTotal: 9000000 kB\nMemAvailable:    4000000 kB\nSwapFree: 9000000 kB\n");
            kernel.set("proc/self/cgroup", group).set("proc/self/mountinfo", mounts);
            kernel
        }

        fn set(&self, path: &str, text: &str) -> &Self {
            let path = self.0.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
            self
        }

        fn free(&self) -> Option<u64> {
            free_below(self.0.path())
        }
    }

    const ROOT: &str = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n";
    const UNIFIED: &str = "30 22 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

    #[test]
    fn tightest_group_on_the_way_up_counts() {
        let kernel = Kernel::new("0::/user.slice/a.scope\n", &[ROOT, UNIFIED].concat());
        assert_eq!(kernel.free(), Some(4_096_000_000));
        let group = "sys/fs/cgroup/user.slice/a.scope/";
        kernel.set(&format!("{group}memory.max"), "max\n").set(&format!("{group}memory.high"), "max\n");
        assert_eq!(kernel.free(), Some(4_096_000_000));
        kernel.set(&format!("{group}memory.max"), "300000000\n");
        kernel.set(&format!("{group}memory.current"), "120000000\n");
        assert_eq!(kernel.free(), Some(180_000_000));
        kernel.set(&format!("{group}memory.stat"), "anon 20000000\ninactive_file 60000000\nactive_file 30000000\n");
        assert_eq!(kernel.free(), Some(270_000_000));
        kernel.set(&format!("{group}memory.high"), "200000000\n");
        assert_eq!(kernel.free(), Some(170_000_000));
        kernel.set("sys/fs/cgroup/user.slice/memory.max", "90000000\n");
        kernel.set("sys/fs/cgroup/user.slice/memory.current", "50000000\n");
        assert_eq!(kernel.free(), Some(40_000_000));
        // A group that is over its limit.
        kernel.set("sys/fs/cgroup/user.slice/memory.current", "95000000\n");
        assert_eq!(kernel.free(), Some(0));
    }

    #[test]
    fn containers_see_their_own_group_at_the_top() {
        // With a namespace of its own, and without one.
        for (group, top) in [("0::/\n", "/"), ("0::/docker/ab\n", "/docker/ab"), ("0::/../other\n", "/")] {
            let mount = UNIFIED.replacen(" / ", &format!(" {top} "), 1);
            let kernel = Kernel::new(group, &[ROOT, &mount].concat());
            kernel.set("sys/fs/cgroup/memory.max", "64000000\n").set("sys/fs/cgroup/memory.current", "4000000\n");
            assert_eq!(kernel.free(), Some(60_000_000), "{group}");
        }
    }

    #[test]
    fn first_version_of_groups_counts_too() {
        let mount = "31 22 0:27 /docker/ab /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";
        let kernel = Kernel::new("5:memory:/docker/ab\n4:cpu:/docker/ab\n0::/\n", &[ROOT, mount].concat());
        let group = "sys/fs/cgroup/memory/";
        kernel.set(&format!("{group}memory.limit_in_bytes"), "9223372036854771712\n");
        kernel.set(&format!("{group}memory.usage_in_bytes"), "70000000\n");
        assert_eq!(kernel.free(), Some(4_096_000_000));
        kernel.set(&format!("{group}memory.limit_in_bytes"), "100000000\n");
        kernel.set(&format!("{group}memory.stat"), "total_inactive_file 20000000\ntotal_active_file 10000000\n");
        assert_eq!(kernel.free(), Some(60_000_000));
        // A limit of a parent group that is not mounted here.
        let around = "hierarchical_memory_limit 80000000\ntotal_inactive_file 20000000\n";
        kernel.set(&format!("{group}memory.stat"), around);
        assert_eq!(kernel.free(), Some(30_000_000));
    }

    #[test]
    fn machine_without_these_files_is_no_limit() {
        assert_eq!(free_below(tempfile::tempdir().unwrap().path()), None);
    }
}
